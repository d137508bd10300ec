import t from 'tap';
import { step } from '../../../../lib/networkd/dhcp/machine.js';
import {
  type DhcpInput,
  type DhcpState,
  type HeldAddress,
  initialState,
  type Step,
  wakeAtMs,
} from '../../../../lib/networkd/dhcp/state.js';
import { ack, FakeWorld, nak, offer } from './messages.js';

const UP: DhcpInput = { kind: 'carrier', isUp: true };
const DOWN: DhcpInput = { kind: 'carrier', isUp: false };
const TIMER: DhcpInput = { kind: 'timer' };
const SERVER = '10.0.2.2';
const ADDRESS = '10.0.2.15';

/** A machine and its world: inputs go in, time moves, and what came of the last step is looked at. */
class Rig {
  readonly world = new FakeWorld();
  last: Step = { state: initialState(), effects: [] };

  constructor(held?: HeldAddress) {
    this.last.state = initialState(held);
  }

  get state(): DhcpState {
    return this.last.state;
  }

  get effects(): string[] {
    return this.last.effects.map((effect) =>
      'request' in effect ? `${effect.kind} ${effect.request.type}` : effect.kind,
    );
  }

  get xid(): number {
    return 'exchange' in this.state ? this.state.exchange.xid : 0;
  }

  send(input: DhcpInput): this {
    this.last = step(this.state, input, this.world);
    return this;
  }

  hear(message: ReturnType<typeof ack>): this {
    return this.send({ kind: 'message', message: { ...message, xid: message.xid || this.xid } });
  }

  /** To the moment that the state waits for. */
  wake(): this {
    const atMs = wakeAtMs(this.state);
    if (atMs === undefined) throw new Error(`${this.state.kind} waits for nothing`);
    this.world.nowMs = Math.max(this.world.nowMs, atMs);
    return this.send(TIMER);
  }

  /** In the given state, by the way that leads there. */
  static in(kind: DhcpState['kind'], lease: Parameters<typeof ack>[0] = {}): Rig {
    const held = { address: ADDRESS, expiresAtMs: 1_000_000 };
    const rig = new Rig(kind === 'Rebooting' ? held : undefined);
    if (kind === 'NoCarrier') return rig;
    rig.send(UP);
    if (kind === 'Selecting' || kind === 'Rebooting') return rig;
    rig.hear(offer());
    if (kind === 'Waiting') return rig.hear(nak());
    if (kind === 'Requesting') return rig;
    rig.hear(ack(lease));
    if (kind === 'Bound') return rig;
    if (kind === 'Stopped') return rig.send({ kind: 'stop', release: false });
    while (rig.state.kind !== kind) rig.wake();
    return rig;
  }
}

const STATES = [
  'NoCarrier',
  'Waiting',
  'Selecting',
  'Requesting',
  'Rebooting',
  'Bound',
  'Renewing',
  'Rebinding',
  'Stopped',
] as const;

/** The table of machine.ts: what an input leads to, and what is done; '-' for nothing at all. */
const TABLE: Record<(typeof STATES)[number], Record<string, string>> = {
  NoCarrier: {
    up: 'Selecting: broadcast discover',
    down: '-',
    offer: '-',
    ack: '-',
    nak: '-',
    stop: 'Stopped: ',
    release: 'Stopped: ',
  },
  Waiting: { up: '-', down: 'NoCarrier: ', offer: '-', ack: '-', nak: '-', stop: 'Stopped: ', release: 'Stopped: ' },
  Selecting: {
    up: '-',
    down: 'NoCarrier: ',
    offer: 'Requesting: broadcast request',
    ack: '-',
    nak: '-',
    stop: 'Stopped: ',
    release: 'Stopped: ',
  },
  Requesting: {
    up: '-',
    down: 'NoCarrier: ',
    offer: '-',
    ack: 'Bound: configure',
    nak: 'Waiting: ',
    stop: 'Stopped: ',
    release: 'Stopped: ',
  },
  Rebooting: {
    up: '-',
    down: 'NoCarrier: ',
    offer: '-',
    ack: 'Bound: configure',
    nak: 'Waiting: deconfigure',
    stop: 'Stopped: ',
    release: 'Stopped: ',
  },
  Bound: {
    up: '-',
    down: 'NoCarrier: ',
    offer: '-',
    ack: '-',
    nak: '-',
    stop: 'Stopped: ',
    release: 'Stopped: unicast release',
  },
  Renewing: {
    up: '-',
    down: 'NoCarrier: ',
    offer: '-',
    ack: 'Bound: configure',
    nak: 'Waiting: deconfigure',
    stop: 'Stopped: ',
    release: 'Stopped: unicast release',
  },
  Rebinding: {
    up: '-',
    down: 'NoCarrier: ',
    offer: '-',
    ack: 'Bound: configure',
    nak: 'Waiting: deconfigure',
    stop: 'Stopped: ',
    release: 'Stopped: unicast release',
  },
  Stopped: { up: '-', down: '-', offer: '-', ack: '-', nak: '-', stop: '-', release: '-' },
};

for (const kind of STATES) {
  t.test(`${kind}: every input`, async (t) => {
    for (const [name, expected] of Object.entries(TABLE[kind])) {
      const rig = Rig.in(kind);
      t.equal(rig.state.kind, kind, `gets to ${kind}`);
      const before = rig.state;
      const input: Record<string, () => unknown> = {
        up: () => rig.send(UP),
        down: () => rig.send(DOWN),
        offer: () => rig.hear(offer()),
        ack: () => rig.hear(ack()),
        nak: () => rig.hear(nak()),
        stop: () => rig.send({ kind: 'stop', release: false }),
        release: () => rig.send({ kind: 'stop', release: true }),
      };
      input[name]?.();
      if (expected === '-') t.equal(rig.state, before, `${name}: nothing`);
      else t.equal(`${rig.state.kind}: ${rig.effects.join(', ')}`, expected, name);
    }
    const early = Rig.in(kind);
    const before = early.state;
    if (wakeAtMs(before) !== early.world.nowMs) t.equal(early.send(TIMER).state, before, 'a timer that is too early');
    const foreign = Rig.in(kind);
    const undisturbed = foreign.state;
    for (const make of [offer, ack, nak]) {
      t.equal(foreign.hear(make({ xid: 4711 })).state, undisturbed, 'another transaction id');
    }
  });
}

t.test('from nothing to a lease', async (t) => {
  const rig = new Rig().send(UP);
  t.match(rig.last.effects, [{ kind: 'broadcast', request: { type: 'discover', seconds: 0 } }]);
  const { xid } = rig;
  rig.world.nowMs += 300;
  rig.hear(offer());
  t.same(rig.last.effects, [
    { kind: 'broadcast', request: { type: 'request', xid, seconds: 0, requestedAddress: ADDRESS, serverId: SERVER } },
  ]);
  rig.world.nowMs += 300;
  rig.hear(ack());
  t.match(rig.last, {
    effects: [{ kind: 'configure', lease: { address: ADDRESS, expiresAtMs: 10_300 + 3_600_000 } }],
    message: `leased ${ADDRESS}/24 from ${SERVER} for 3600 s`,
  });
});

t.test('a DISCOVER is sent again, slower and slower', async (t) => {
  const rig = new Rig().send(UP);
  const { xid } = rig;
  const sent: [number, number][] = [];
  for (let round = 0; round < 7; round++) {
    rig.wake();
    t.same(rig.effects, ['broadcast discover']);
    t.equal(rig.xid, xid, 'it is the same question');
    const [effect] = rig.last.effects;
    if (effect && 'request' in effect) sent.push([(rig.world.nowMs - 10_000) / 1000, effect.request.seconds]);
  }
  t.same(
    sent.map(([atSeconds]) => Math.round(atSeconds)),
    [4, 12, 28, 60, 124, 188, 252],
  );
  for (const [atSeconds, seconds] of sent) t.equal(seconds, Math.floor(atSeconds), 'it says for how long already');
});

t.test('each wait is a second more or less', async (t) => {
  for (const [random, delayMs] of [
    [0, 3000],
    [2 ** 31, 4000],
    [2 ** 32 - 1, 5000],
  ] as const) {
    const { state } = step(initialState(), UP, { nowMs: 0, random: () => random });
    t.equal(wakeAtMs(state), delayMs);
  }
});

t.test('a server that offers and then is silent is given up', async (t) => {
  const rig = Rig.in('Requesting');
  const { xid } = rig;
  for (const seconds of [4, 12, 28]) {
    rig.wake();
    t.same([rig.state.kind, rig.effects], ['Requesting', ['broadcast request']]);
    t.equal(Math.round((rig.world.nowMs - 10_000) / 1000), seconds);
    t.equal(rig.xid, xid);
    t.match(rig.last.effects, [{ request: { seconds: 0 } }], 'relays must know it again');
  }
  rig.wake();
  t.same([rig.state.kind, rig.effects], ['Selecting', ['broadcast discover']]);
  t.not(rig.xid, xid, 'a new question');
  t.equal(rig.hear(ack({ xid })).state.kind, 'Selecting', 'the late answer is no use any more');
});

t.test('only the server that was chosen may answer', async (t) => {
  const rig = Rig.in('Requesting');
  t.equal(rig.hear(nak({ serverId: '10.0.2.9' })).state.kind, 'Requesting');
  t.equal(rig.hear(ack({ serverId: '10.0.2.9' })).state.kind, 'Requesting');
  t.equal(rig.hear(ack()).state.kind, 'Bound');
});

t.test('refusals in a row are waited out', async (t) => {
  const rig = Rig.in('Requesting');
  const waits: number[] = [];
  for (let round = 0; round < 9; round++) {
    rig.hear(nak({ text: 'no more' }));
    t.match(rig.last.message, /^10\.0\.2\.2 refuses: no more; trying again/);
    waits.push(((wakeAtMs(rig.state) ?? 0) - rig.world.nowMs) / 1000);
    rig.wake();
    t.equal(rig.state.kind, 'Selecting');
    rig.hear(offer());
  }
  t.same(waits, [0, 2, 4, 8, 16, 32, 64, 64, 64]);
  rig.hear(ack()).wake();
  rig.hear(nak());
  t.equal(wakeAtMs(rig.state), rig.world.nowMs, 'a lease in between begins the series anew');
});

t.test('renewing, rebinding, the end', async (t) => {
  const rig = Rig.in('Bound');
  const startedAtMs = rig.world.nowMs;
  const at = () => Math.round((rig.world.nowMs - startedAtMs) / 1000);
  rig.wake();
  t.ok(at() > 1700 && at() <= 1800, 'a half, less the spread');
  t.match(rig.last.effects, [
    { kind: 'unicast', destination: SERVER, request: { type: 'request', clientAddress: ADDRESS, seconds: 0 } },
  ]);
  const [effect] = rig.last.effects;
  if (effect && 'request' in effect) {
    t.notOk('requestedAddress' in effect.request || 'serverId' in effect.request, 'table 4 of RFC 2131');
  }
  const { xid } = rig;
  const renewals: number[] = [];
  for (rig.wake(); rig.state.kind === 'Renewing'; rig.wake()) renewals.push(at());
  t.same(rig.effects, ['broadcast request']);
  t.equal(at(), 3150, 'T2');
  t.ok(renewals.length >= 3, `${renewals}`);
  for (const [index, moment] of renewals.entries()) {
    const before = renewals[index - 1];
    if (before !== undefined) t.ok(moment - before >= 60, 'not within a minute');
  }
  t.not(rig.xid, xid);
  for (rig.wake(); rig.state.kind === 'Rebinding'; rig.wake()) t.same(rig.effects, ['broadcast request']);
  t.equal(at(), 3600);
  t.same([rig.state.kind, rig.effects], ['Selecting', ['deconfigure', 'broadcast discover']]);
});

t.test('a renewed lease counts from its request', async (t) => {
  const rig = Rig.in('Renewing');
  const requestedAtMs = rig.world.nowMs;
  rig.world.nowMs += 700;
  rig.hear(ack({ leaseSeconds: 7200 }));
  t.match(rig.last, {
    state: { kind: 'Bound', lease: { expiresAtMs: requestedAtMs + 7_200_000 } },
    message: `renewed ${ADDRESS}/24 from ${SERVER} for 7200 s`,
  });
  const moved = Rig.in('Rebinding').hear(ack({ serverId: '10.0.2.9', yourAddress: '10.0.2.77' }));
  t.match(moved.last.message, /^leased 10\.0\.2\.77/, 'another server, another address');
});

t.test('a lease for ever needs no timer', async (t) => {
  const rig = Rig.in('Bound', { leaseSeconds: Number.POSITIVE_INFINITY });
  t.equal(wakeAtMs(rig.state), undefined);
  t.match(rig.last.message, /for ever$/);
  t.equal(rig.send(DOWN).state.kind, 'NoCarrier');
  t.equal(wakeAtMs(rig.state), undefined);
  t.same(rig.send(UP).effects, ['broadcast request']);
});

t.test('a carrier that comes back asks for the same address', async (t) => {
  const rig = Rig.in('Bound').send(DOWN);
  t.same(rig.effects, [], 'the address stays meanwhile');
  rig.world.nowMs += 5000;
  rig.send(UP);
  t.match(rig.last.effects, [{ kind: 'broadcast', request: { type: 'request', requestedAddress: ADDRESS } }]);
  const [effect] = rig.last.effects;
  if (effect && 'request' in effect)
    t.notOk('serverId' in effect.request || 'clientAddress' in effect.request, 'table 4');
  t.equal(rig.hear(ack()).state.kind, 'Bound');

  t.test('nobody answers', async (t) => {
    const rig = Rig.in('Bound').send(DOWN).send(UP).wake();
    t.same([rig.state.kind, rig.effects], ['Rebooting', ['broadcast request']]);
    rig.wake();
    t.same([rig.state.kind, rig.effects], ['Selecting', ['broadcast discover']], 'the address is kept');
    rig.world.nowMs += 3_600_000;
    rig.send(TIMER);
    t.same([rig.state.kind, rig.effects], ['Selecting', ['deconfigure']], 'until its lease ends');
    t.same(rig.send(TIMER).effects, ['broadcast discover']);
  });

  t.test('it is refused while another is being asked for', async (t) => {
    const rig = Rig.in('Bound').send(DOWN).send(UP).wake().wake().hear(offer()).hear(nak());
    t.same([rig.state.kind, rig.effects], ['Waiting', ['deconfigure']]);
  });

  t.test('the lease ends meanwhile', async (t) => {
    const rig = Rig.in('Bound').send(DOWN).wake();
    t.same([rig.state.kind, rig.effects], ['NoCarrier', ['deconfigure']]);
    t.equal(wakeAtMs(rig.state), undefined);
    t.same(rig.send(UP).effects, ['broadcast discover']);
    const late = Rig.in('Bound').send(DOWN);
    late.world.nowMs += 4_000_000;
    t.same(late.send(UP).effects, ['deconfigure', 'broadcast discover'], 'the carrier came before the timer');
    const rebooting = new Rig({ address: ADDRESS, expiresAtMs: 11_000 }).send(UP).wake();
    t.same([rebooting.state.kind, rebooting.effects], ['Selecting', ['deconfigure', 'broadcast discover']]);
  });
});

t.test('after a long suspend the last thing that fell due counts', async (t) => {
  const late = (ms: number) => {
    const rig = Rig.in('Bound');
    rig.world.nowMs += ms;
    rig.send(TIMER);
    return `${rig.state.kind}: ${rig.effects.join(', ')}`;
  };
  t.equal(late(1_800_000), 'Renewing: unicast request');
  t.equal(late(3_200_000), 'Rebinding: broadcast request');
  t.equal(late(3_600_000), 'Selecting: deconfigure, broadcast discover');
});

t.test('RELEASE names the lease and its server', async (t) => {
  const rig = Rig.in('Bound').send({ kind: 'stop', release: true });
  t.match(rig.last.effects, [
    {
      kind: 'unicast',
      destination: SERVER,
      request: { type: 'release', clientAddress: ADDRESS, serverId: SERVER, seconds: 0 },
    },
  ]);
  const renewing = Rig.in('Renewing').send({ kind: 'stop', release: true });
  t.equal(renewing.effects[0], 'unicast release');
});

t.test('a thousand years of random inputs keep the machine in order', async (t) => {
  // Whatever happens: a timer is never in the past for more than one turn, and an address is never used after its lease.
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed;
  };
  let state = initialState();
  let nowMs = 0;
  let configuredUntilMs: number | undefined;
  const kinds = new Set<string>();
  for (let round = 0; round < 50_000; round++) {
    const world = { nowMs, random };
    const xid = 'exchange' in state ? state.exchange.xid : 0;
    const leaseSeconds = [1, 60, 3600, Number.POSITIVE_INFINITY][random() % 4] as number;
    const make = [offer, ack, ack, nak][random() % 4] as typeof offer;
    const input: DhcpInput = [
      UP,
      DOWN,
      TIMER,
      TIMER,
      TIMER,
      { kind: 'message', message: make({ xid, leaseSeconds }) } as const,
      { kind: 'message', message: make({ xid, leaseSeconds }) } as const,
    ][random() % 7] as DhcpInput;
    const next = step(state, input, world);
    state = next.state;
    kinds.add(state.kind);
    for (const effect of next.effects) {
      if (effect.kind === 'configure') configuredUntilMs = effect.lease.expiresAtMs;
      if (effect.kind === 'deconfigure') configuredUntilMs = undefined;
    }
    const wake = wakeAtMs(state);
    if (configuredUntilMs !== undefined && Number.isFinite(configuredUntilMs)) {
      if (wake === undefined || wake > Math.max(configuredUntilMs, nowMs)) {
        t.fail(`round ${round}: ${state.kind} sleeps beyond the end of its lease`);
        break;
      }
    }
    nowMs =
      random() % 8 === 0 ? nowMs + (random() % 100_000) : Math.max(nowMs, Math.min(wake ?? nowMs, nowMs + 1_000_000));
  }
  t.same([...kinds].sort(), STATES.filter((kind) => kind !== 'Stopped').sort());
});
