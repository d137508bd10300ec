/** The way to a lease: asking, choosing a server, being refused. */
import t from 'tap';
import { step } from '../../../../lib/networkd/dhcp/machine.js';
import { initialState, wakeAtMs } from '../../../../lib/networkd/dhcp/state.js';
import { ack, nak, offer } from './messages.js';
import { ADDRESS, Rig, SERVER, UP } from './rig.js';

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
