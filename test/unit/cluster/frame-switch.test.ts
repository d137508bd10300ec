/** The switch between machines: real sockets, and the process that it runs in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { FrameSwitch } from '../../../lib/cluster/frame-switch.js';
import { shortFolder } from '../../helpers/short-folder.js';

const EVERYBODY = 'ffffffffffff';
const PROGRAM = fileURLToPath(new URL('../../../lib/cluster/frame-switch-main.js', import.meta.url));

/** The hardware address of machine `number`. */
const address = (number: number): string => `5254000500${number.toString(16).padStart(2, '0')}`;

/** A frame with its length in front; the type is that of local experiments (IEEE 802). */
function packet(to: string, from: string, content: string | Buffer): Buffer {
  const frame = Buffer.concat([Buffer.from(`${to}${from}88b5`, 'hex'), Buffer.from(content)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** A machine's end of a connection. */
class Card {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  readonly #arrivals = new EventEmitter();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#arrivals.emit('data');
    });
  }

  static async connect(t: Test, file: string): Promise<Card> {
    const socket = connect(file);
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return new Card(socket);
  }

  /** The next frame's content, waited for. */
  async next(): Promise<string> {
    while (this.#bytes.length < 4 || this.#bytes.length < 4 + this.#bytes.readUInt32BE()) {
      await once(this.#arrivals, 'data');
    }
    const end = 4 + this.#bytes.readUInt32BE();
    const content = this.#bytes.toString('latin1', 4 + 14, end);
    this.#bytes = this.#bytes.subarray(end);
    return content;
  }
}

async function listening(t: Test): Promise<{ file: string; frameSwitch: FrameSwitch; ports: number[] }> {
  const file = join(shortFolder(t), 'lan.sock');
  const ports: number[] = [];
  const frameSwitch = new FrameSwitch((connected) => ports.push(connected));
  await frameSwitch.listen(file);
  t.teardown(() => frameSwitch.close());
  return { file, frameSwitch, ports };
}

t.test('frames find their way', async (t) => {
  const { file, frameSwitch, ports } = await listening(t);
  const [first, second, third] = [
    await Card.connect(t, file),
    await Card.connect(t, file),
    await Card.connect(t, file),
  ] as const;

  first.socket.write(packet(EVERYBODY, address(1), 'who is there?'));
  t.equal(await second.next(), 'who is there?');
  t.equal(await third.next(), 'who is there?');

  second.socket.write(packet(address(1), address(2), 'second'));
  third.socket.write(packet(address(1), address(3), 'third'));
  t.same(
    new Set([await first.next(), await first.next()]),
    new Set(['second', 'third']),
    'nothing of its own came back',
  );

  first.socket.write(packet(address(3), address(1), 'for third alone'));
  first.socket.write(packet(EVERYBODY, address(1), 'for all'));
  t.equal(await third.next(), 'for third alone');
  t.equal(await third.next(), 'for all');
  t.equal(await second.next(), 'for all', 'second has learned nothing of what was for third');

  first.socket.write(packet(address(9), address(1), 'to whom nobody knows'));
  t.equal(await second.next(), 'to whom nobody knows');
  t.equal(await third.next(), 'to whom nobody knows');

  second.socket.write(packet(address(2), address(2), 'to itself'));
  // An address that moves is behind its new place.
  second.socket.write(packet(EVERYBODY, address(3), 'third is here now'));
  t.equal(await first.next(), 'third is here now');
  t.equal(await third.next(), 'third is here now');
  first.socket.write(packet(address(3), address(1), 'for third'));
  t.equal(await second.next(), 'for third');
  t.same(frameSwitch.counts, { received: 9, dropped: 0, refused: 0 });
  t.same(ports, [1, 2, 3]);
});

t.test('frames come in pieces and many at once', async (t) => {
  const { file } = await listening(t);
  const first = await Card.connect(t, file);
  const second = await Card.connect(t, file);
  const packets = Array.from({ length: 200 }, (_, at) => packet(EVERYBODY, address(1), `${at}:${'x'.repeat(at * 7)}`));
  const bytes = Buffer.concat(packets);
  const reading = (async () => {
    for (let at = 0; at < packets.length; at++) t.match(await second.next(), new RegExp(`^${at}:x*$`));
  })();
  for (let start = 0; start < bytes.length; start += 1009) {
    first.socket.write(bytes.subarray(start, start + 1009));
    await new Promise(setImmediate);
  }
  await reading;
});

t.test('what is no frame ends the connection it came by, and no other', async (t) => {
  const { file, frameSwitch } = await listening(t);
  const good = await Card.connect(t, file);
  const other = await Card.connect(t, file);
  for (const length of [0, 13, 69_633, 0xffff_ffff]) {
    const bad = await Card.connect(t, file);
    const head = Buffer.alloc(64);
    head.writeUInt32BE(length);
    bad.socket.write(head);
    await once(bad.socket, 'close');
  }
  t.equal(frameSwitch.counts.refused, 4);
  good.socket.write(packet(EVERYBODY, address(1), 'still here'));
  t.equal(await other.next(), 'still here');
  good.socket.write(packet(EVERYBODY, address(1), Buffer.alloc(69_632 - 14, 'y')));
  t.equal((await other.next()).length, 69_632 - 14, 'the largest there is');
});

t.test('a machine that does not read loses frames, and holds up nobody', async (t) => {
  const { file, frameSwitch } = await listening(t);
  const first = await Card.connect(t, file);
  const second = await Card.connect(t, file);
  const stopped = connect(file);
  t.teardown(() => stopped.destroy());
  await once(stopped, 'connect');
  stopped.pause();
  const big = Buffer.alloc(60_000, 'z');
  for (let count = 0; count < 200; count++) {
    first.socket.write(packet(EVERYBODY, address(1), big));
    t.equal((await second.next()).length, big.length);
  }
  t.ok(frameSwitch.counts.dropped > 50, `${frameSwitch.counts.dropped} frames were not kept for it`);
  stopped.destroy();
  await once(stopped, 'close');
  first.socket.write(packet(EVERYBODY, address(1), 'gone'));
  t.equal(await second.next(), 'gone');
});

t.test('the process', async (t) => {
  const started = async (
    ...words: string[]
  ): Promise<{ child: ChildProcess; file: string; exited: Promise<unknown> }> => {
    const folder = shortFolder(t);
    const child = spawn(process.execPath, [PROGRAM, 'lan.sock', ...words], { cwd: folder });
    const exited = once(child, 'exit');
    t.match(String(await once(child.stdout as NodeJS.ReadableStream, 'data')), 'listening');
    return { child, file: join(folder, 'lan.sock'), exited };
  };
  await t.test('ends when it is told to', async (t) => {
    const { child, file, exited } = await started();
    t.ok(existsSync(file));
    child.kill('SIGTERM');
    t.same(await exited, [0, null]);
    t.notOk(existsSync(file), 'and leaves no socket behind');
  });
  await t.test('ends when no machine came', async (t) => {
    const { exited } = await started('50');
    t.same(await exited, [0, null]);
  });
  await t.test('ends after its last machine', async (t) => {
    const { child, file, exited } = await started('1500');
    const first = await Card.connect(t, file);
    const second = await Card.connect(t, file);
    first.socket.write(packet(EVERYBODY, address(1), 'on the wire'));
    t.equal(await second.next(), 'on the wire');
    first.socket.destroy();
    second.socket.destroy();
    t.same(await exited, [0, null]);
    t.equal(child.signalCode, null);
  });
});
