/** What the machine does in each state with each input, and that nothing gets it out of order. */
import t from 'tap';
import { step } from '../../../../lib/networkd/dhcp/machine.js';
import { type DhcpInput, initialState, wakeAtMs } from '../../../../lib/networkd/dhcp/state.js';
import { ack, nak, offer } from './messages.js';
import { DOWN, Rig, TIMER, UP } from './rig.js';

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
