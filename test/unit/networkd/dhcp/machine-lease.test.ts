/** What becomes of a lease: renewing and rebinding, a link that goes away, suspend, release. */
import t from 'tap';
import { wakeAtMs } from '../../../../lib/networkd/dhcp/state.js';
import { ack, nak, offer } from './messages.js';
import { ADDRESS, DOWN, Rig, SERVER, TIMER, UP } from './rig.js';

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
