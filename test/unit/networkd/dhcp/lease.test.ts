import t from 'tap';
import { leaseOf } from '../../../../lib/networkd/dhcp/lease.js';
import { ack } from './messages.js';

t.test('when it is to be renewed', async (t) => {
  const times = (more: Parameters<typeof ack>[0], random = 0) => {
    const { renewAtMs, rebindAtMs, expiresAtMs } = leaseOf(ack(more), 1000, random);
    return [renewAtMs, rebindAtMs, expiresAtMs];
  };
  t.same(times({ leaseSeconds: 3600 }), [1_801_000, 3_151_000, 3_601_000], 'a half and seven eighths');
  t.same(times({ leaseSeconds: 3600, renewalSeconds: 60, rebindingSeconds: 120 }), [61_000, 121_000, 3_601_000]);
  t.same(times({ leaseSeconds: 3600, renewalSeconds: 60 }), [61_000, 3_151_000, 3_601_000]);
  for (const [renewalSeconds, rebindingSeconds] of [
    [120, 60],
    [60, 60],
    [60, 3600],
    [4000, 5000],
    [60, Number.POSITIVE_INFINITY],
  ] as const) {
    t.same(times({ renewalSeconds, rebindingSeconds }), [1_801_000, 3_151_000, 3_601_000], 'times that do not fit');
  }
  t.same(times({ leaseSeconds: Number.POSITIVE_INFINITY }), Array(3).fill(Number.POSITIVE_INFINITY), 'for ever');
  t.same(times({ leaseSeconds: 1 }), [1500, 1875, 2000]);
  t.same(times({ leaseSeconds: 3600 }, 0.5), [1_756_000, 3_151_000, 3_601_000], 'nodes do not all renew at once');
});

t.test('which routes it brings', async (t) => {
  const routes = (more: Parameters<typeof ack>[0]) => leaseOf(ack(more), 0, 0).routes;
  t.same(
    routes({ routers: ['10.0.2.2', '10.0.2.3'] }),
    [{ destination: '0.0.0.0/0', gateway: '10.0.2.2' }],
    'the first',
  );
  t.same(routes({ routers: [] }), []);
  t.same(routes({ routes: [] }), [], 'classless routes take the place of the router, even when there are none');
  t.same(routes({ routes: [{ destination: '10.9.0.0/16', gateway: '10.0.2.9' }] }), [
    { destination: '10.9.0.0/16', gateway: '10.0.2.9' },
  ]);
  t.same(
    routes({ prefixLength: 32, routers: ['10.0.9.1'] }),
    [{ destination: '10.0.9.1/32' }, { destination: '0.0.0.0/0', gateway: '10.0.9.1' }],
    'a router beyond the network',
  );
  t.same(
    routes({
      prefixLength: 32,
      routes: [{ destination: '0.0.0.0/0', gateway: '10.0.9.1' }, { destination: '10.0.9.1/32' }],
    }),
    [{ destination: '10.0.9.1/32' }, { destination: '0.0.0.0/0', gateway: '10.0.9.1' }],
    'a cloud that says how to reach it, in the wrong order',
  );
});

t.test('what else it holds', async (t) => {
  const given = { mtu: 1400, ntpServers: ['10.0.2.4'], domain: 'a.org', searchDomains: ['b.org'], hostname: 'n1' };
  t.match(leaseOf(ack(given), 0, 0), {
    address: '10.0.2.15',
    serverId: '10.0.2.2',
    dnsServers: ['10.0.2.3'],
    ...given,
  });
  for (const [yourAddress, prefixLength] of [
    ['10.1.2.3', 8],
    ['172.16.0.9', 16],
    ['192.168.7.7', 24],
  ] as const) {
    const { prefixLength: _, ...unmasked } = ack({ yourAddress });
    t.equal(leaseOf(unmasked, 0, 0).prefixLength, prefixLength, 'by class where there is no mask');
  }
});
