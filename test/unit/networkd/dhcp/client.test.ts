import t from 'tap';
import type {
  BootTimer,
  ClockModule,
  DhcpClientMessage,
  DhcpModule,
  DhcpSocket,
} from '../../../../lib/native/contract.js';
import { DhcpClient } from '../../../../lib/networkd/dhcp/client.js';
import type { Lease } from '../../../../lib/networkd/dhcp/lease.js';
import { ack, offer } from './messages.js';

/** A promise that is settled from outside, again and again. */
class Bell {
  private ring = (): void => {};
  private cancel = (_error: Error): void => {};

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.ring = resolve;
      this.cancel = reject;
    });
  }

  resolve(): void {
    this.ring();
  }

  close(): void {
    this.cancel(Object.assign(new Error('closed'), { code: 'ECANCELED' }));
  }
}

/** A client on fakes: what it sent, when it wants to be woken, what it logged. */
class Rig {
  readonly sent: [DhcpClientMessage, ...(string | undefined)[]][] = [];
  readonly lines: string[] = [];
  readonly leases: (Lease | undefined)[] = [];
  readonly closed: string[] = [];
  armedAtMs: number | undefined;
  nowMs = 1000;
  sendError: Error | undefined;
  configureError: Error | undefined;
  readonly heard = new Bell();
  readonly due = new Bell();
  batch: ReturnType<DhcpSocket['receive']> = { messages: [], rejected: [] };
  timerError: Error | undefined;

  readonly dhcp = {
    random: () => 2 ** 31,
    open: (): DhcpSocket => ({
      broadcast: (message, source) => this.send([message, source]),
      unicast: (message, source, destination) => this.send([message, source, destination]),
      receive: () => this.batch,
      wait: () => this.heard.wait(),
      close: () => {
        this.closed.push('socket');
        this.heard.close();
      },
    }),
  } as unknown as DhcpModule;

  readonly clock = {
    bootTimeMs: () => this.nowMs,
    createTimer: (): BootTimer => {
      if (this.timerError) throw this.timerError;
      return {
        arm: (atMs) => {
          this.armedAtMs = atMs;
        },
        take: () => true,
        wait: () => this.due.wait(),
        close: () => {
          this.closed.push('timer');
          this.due.close();
        },
      };
    },
  } as unknown as ClockModule;

  client(mtu = 1500): DhcpClient {
    return new DhcpClient({
      dhcp: this.dhcp,
      clock: this.clock,
      link: { index: 2, name: 'eth0', mac: '52:54:00:00:00:01', mtu },
      hostname: 'n1',
      configure: (lease) => {
        this.leases.push(lease);
        if (this.configureError) throw this.configureError;
      },
      deconfigure: () => void this.leases.push(undefined),
      log: (text) => void this.lines.push(text),
    });
  }

  async hear(...messages: (typeof this.batch)['messages']): Promise<void> {
    this.batch = { messages, rejected: [] };
    await this.turn(this.heard);
  }

  async turn(bell: Bell): Promise<void> {
    bell.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  private send(call: (typeof this.sent)[number]): void {
    if (this.sendError) throw this.sendError;
    this.sent.push(call);
  }
}

t.test('from a carrier to a lease and its renewal', async (t) => {
  const rig = new Rig();
  const client = rig.client();
  const running = client.run();
  t.equal(rig.armedAtMs, undefined, 'without a carrier it waits for nothing');
  client.setCarrier(true);
  t.match(rig.sent, [
    [{ type: 'discover', mac: '52:54:00:00:00:01', hostname: 'n1', maxMessageBytes: 1500 }, undefined],
  ]);
  t.equal(rig.armedAtMs, 5000);
  const xid = rig.sent[0]?.[0].xid ?? 0;
  await rig.hear(offer({ xid }), ack({ xid }));
  t.equal(client.stateName, 'Bound', 'both came at once');
  t.match(rig.leases, [{ address: '10.0.2.15' }]);
  t.equal(client.heldAddress, '10.0.2.15');

  rig.nowMs = rig.armedAtMs ?? 0;
  await rig.turn(rig.due);
  t.match(rig.sent.at(-1), [{ type: 'request', clientAddress: '10.0.2.15' }, '10.0.2.15', '10.0.2.2']);
  client.stop({ release: true });
  t.match(rig.sent.at(-1), [{ type: 'release' }, '10.0.2.15', '10.0.2.2']);
  await running;
  t.same([...new Set(rig.closed)].sort(), ['socket', 'timer']);
  client.stop({ release: true });
  t.equal(rig.sent.length, 4, 'it is stopped once');
});

t.test('what cannot be sent or set is logged, and time goes on', async (t) => {
  const rig = new Rig();
  rig.sendError = new Error('ENETDOWN: it is down');
  const client = rig.client();
  client.setCarrier(true);
  t.match(rig.lines, ['looking for an address', 'could not broadcast: ENETDOWN: it is down']);
  t.equal(rig.armedAtMs, 5000, 'it will be sent again');
  rig.sendError = undefined;
  rig.configureError = new Error('EINVAL');
  const running = client.run();
  rig.nowMs = 5000;
  await rig.turn(rig.due);
  await rig.hear(offer({ xid: rig.sent[0]?.[0].xid ?? 0 }));
  await rig.hear(ack({ xid: rig.sent[0]?.[0].xid ?? 0 }));
  t.equal(client.stateName, 'Bound');
  t.match(rig.lines.at(-1), 'could not configure: EINVAL');
  client.stop({ release: false });
  await running;
});

t.test('the same rubbish is told once', async (t) => {
  const rig = new Rig();
  const client = rig.client();
  const running = client.run();
  rig.batch = { messages: [], rejected: ['a fragment', 'a fragment'] };
  await rig.turn(rig.heard);
  rig.batch = { messages: [], rejected: ['a fragment', 'no reply', 'a fragment'] };
  await rig.turn(rig.heard);
  t.same(rig.lines, ['ignored a message: a fragment', 'ignored a message: no reply', 'ignored a message: a fragment']);
  client.stop({ release: false });
  await running;
});

t.test('messages fit the link', async (t) => {
  for (const [mtu, bytes] of [
    [9000, 1500],
    [1280, 1280],
    [500, 576],
  ] as const) {
    const rig = new Rig();
    rig.client(mtu).setCarrier(true);
    t.equal(rig.sent[0]?.[0].maxMessageBytes, bytes);
  }
});

t.test('a failure of the kernel ends the service, with nothing left open', async (t) => {
  const rig = new Rig();
  const client = rig.client();
  const running = client.run();
  rig.heard.close();
  await t.rejects(running, { code: 'ECANCELED' }, 'a wait that ends without having been asked to');
  t.equal(client.stateName, 'Stopped');
  t.same([...new Set(rig.closed)].sort(), ['socket', 'timer']);

  const poor = new Rig();
  poor.timerError = Object.assign(new Error('no more'), { code: 'EMFILE' });
  t.throws(() => poor.client(), { code: 'EMFILE' });
  t.same(poor.closed, ['socket']);
});
