/** Who waits when there is no time left: decided by hand-made clocks; that it stops reading is seen on real connections. */
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { FairShare } from '../../../lib/osd/fair-share.js';
import { Rig } from './support/rig.js';

/** A socket as FairShare sees it. */
class FakeSocket {
  bytesRead = 0;
  destroyed = false;
  isRead = true;
  readonly _handle = {
    readStop: () => {
      this.isRead = false;
      return 0;
    },
    readStart: () => {
      this.isRead = true;
      return 0;
    },
  };
  private onClose = () => {};

  once(_event: 'close', listener: () => void): void {
    this.onClose = listener;
  }

  close(): void {
    this.destroyed = true;
    this.onClose();
  }
}

/** A FairShare with a clock and a load that the test sets. */
class Bench {
  nowMs = 0;
  load = 1;
  others = 1;
  sockets = 0;
  readonly loads: boolean[] = [];
  readonly share = new FairShare({
    total: () => this.sockets + this.others,
    onLoad: (isOverloaded) => this.loads.push(isOverloaded),
    now: () => this.nowMs,
    utilization: () => this.load,
  });

  join(client: string): FakeSocket {
    const socket = new FakeSocket();
    this.sockets += 1;
    this.share.joined(client, socket as unknown as TLSSocket);
    return socket;
  }

  /** 100 ms later. */
  tick(times = 1): void {
    for (let at = 0; at < times; at += 1) {
      this.nowMs += 100;
      this.share.look();
    }
  }

  calls(client: string, count: number): void {
    for (let at = 0; at < count; at += 1) this.share.called(client);
  }

  /** Calls that came in turns of the loop before this one. */
  async earlierCalls(client: string, count: number): Promise<void> {
    this.calls(client, count);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('a client that asks for much waits, twice as long each time', async (t) => {
  const bench = new Bench();
  const [loud, quiet] = [bench.join('loud'), bench.join('quiet')];
  bench.load = 0;
  bench.tick(20);
  bench.load = 1;
  const pausedMs: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    await bench.earlierCalls('loud', 100);
    await bench.earlierCalls('quiet', 4);
    bench.tick();
    t.notOk(loud.isRead, 'it is not read from');
    const sinceMs = bench.nowMs;
    while (!loud.isRead) bench.tick();
    pausedMs.push(bench.nowMs - sinceMs);
  }
  t.strictSame(pausedMs, [100, 200, 400, 800, 1600, 1600]);
  t.ok(quiet.isRead, 'the other was never kept waiting');
  bench.tick(51);
  await bench.earlierCalls('loud', 100);
  bench.tick();
  bench.tick();
  t.ok(loud.isRead, 'five good seconds, and it waits 100 ms again');
});

t.test('after so many calls of one client the others have their turn', async (t) => {
  const bench = new Bench();
  const [loud, quiet] = [bench.join('loud'), bench.join('quiet')];
  bench.calls('loud', 15);
  t.ok(loud.isRead);
  bench.calls('loud', 20);
  t.notOk(loud.isRead, 'what libuv has read already goes on, no more is read');
  t.ok(quiet.isRead);
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(loud.isRead, 'the next turn');
  bench.calls('loud', 15);
  t.ok(loud.isRead, 'and it counts from zero again');
});

t.test('bytes count as calls do', async (t) => {
  const bench = new Bench();
  const socket = bench.join('uploads');
  bench.load = 0;
  bench.tick(20);
  bench.load = 1;
  socket.bytesRead += 19_000;
  bench.tick();
  t.ok(socket.isRead, 'not quite 200 KB/s');
  socket.bytesRead += 21_000;
  bench.tick();
  t.notOk(socket.isRead, 'more');
});

t.test('nobody waits while there is time, or nobody else', async (t) => {
  const bench = new Bench();
  const socket = bench.join('loud');
  bench.load = 0.8;
  await bench.earlierCalls('loud', 1000);
  bench.tick();
  t.ok(socket.isRead, 'there is time');
  bench.load = 1;
  bench.others = 0;
  await bench.earlierCalls('loud', 1000);
  bench.tick();
  t.ok(socket.isRead, 'there is nobody else');
  t.strictSame(bench.loads, [false, true], 'the load is told');
});

t.test('coming back does not help', async (t) => {
  const bench = new Bench();
  const first = bench.join('loud');
  await bench.earlierCalls('loud', 100);
  bench.tick();
  first.close();
  const second = bench.join('loud');
  t.notOk(second.isRead, 'a new connection of the same client waits as well');
  bench.load = 0;
  bench.tick();
  t.ok(second.isRead, 'and is read from when it has waited');
});

t.test('a real connection is not read from, and then it is', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const [loud, quiet] = [await rig.clientWith(['os:reader']), await rig.clientWith(['os:reader'])];
  await loud.unary('Version', {});
  const { connections, fairShare } = rig.server.frontDoor;
  const [client = ''] = connections.fingerprints();
  await quiet.unary('Version', {});
  for (let call = 0; call < 1000; call += 1) fairShare.called(client);
  // A second in which this thread, which is the server's too, had no time left.
  const endMs = performance.now() + 1000;
  while (performance.now() < endMs);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const answered: string[] = [];
  const startedMs = performance.now();
  await Promise.all([
    loud.unary('Version', {}).then(() => answered.push('loud')),
    quiet.unary('Version', {}).then(() => answered.push('quiet')),
  ]);
  t.strictSame(answered, ['quiet', 'loud'], 'the one that asked later is answered first');
  t.ok(performance.now() - startedMs > 50, 'the other had to wait');
});
