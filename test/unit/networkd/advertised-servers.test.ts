import t from 'tap';
import {
  AdvertisedServers,
  isLinkLocal,
  isServerAddress,
  MAX_ADVERTISED,
} from '../../../lib/networkd/advertised-servers.js';

const SECOND_MS = 1000;
const server = (last: number) => `2001:db8::${last.toString(16)}`;

t.test('addresses that a server can have', async (t) => {
  for (const address of ['2001:db8::53', 'fe80::1', 'fd00::53', 'fec0::3', '64:ff9b::8.8.8.8']) {
    t.ok(isServerAddress(address), address);
  }
  for (const address of ['::', '::1', '::192.0.2.1', '::ffff:192.0.2.1', 'ff02::1', 'ff05::1:3']) {
    t.notOk(isServerAddress(address), address);
  }
  t.same(['fe80::1', 'febf::1', 'fec0::1', '2001:db8::1'].map(isLinkLocal), [true, true, false, false]);
});

t.test('a server is good for as long as it was said', async (t) => {
  let nowMs = 0;
  const list = new AdvertisedServers(() => nowMs);
  t.equal(list.nextEndMs, Number.POSITIVE_INFINITY);
  list.take({ lifetimeSeconds: 10, servers: [server(1), server(2)] });
  list.take({ lifetimeSeconds: Number.POSITIVE_INFINITY, servers: [server(3), 'ff02::1', '::1'] });
  t.same(list.servers, [server(1), server(2), server(3)]);
  t.equal(list.nextEndMs, 10 * SECOND_MS);

  nowMs = 5 * SECOND_MS;
  list.take({ lifetimeSeconds: 10, servers: [server(1)] });
  nowMs = 10 * SECOND_MS;
  t.same(list.servers, [server(1), server(3)], 'one that is said again lasts longer, in its place');
  t.equal(list.nextEndMs, 15 * SECOND_MS);

  list.take({ lifetimeSeconds: 0, servers: [server(3), server(9)] });
  t.same(list.servers, [server(1)], 'taken back');
  nowMs = 15 * SECOND_MS;
  t.same(list.servers, []);
});

t.test('whoever advertises many fills no memory', async (t) => {
  const list = new AdvertisedServers(() => 0);
  const many = Array.from({ length: 127 }, (_, at) => server(at + 1));
  list.take({ lifetimeSeconds: 60, servers: many });
  t.same(list.servers, many.slice(0, MAX_ADVERTISED));
  list.take({ lifetimeSeconds: 30, servers: [server(3)] });
  list.take({ lifetimeSeconds: 90, servers: [server(200)] });
  t.equal(list.servers.length, MAX_ADVERTISED);
  t.notOk(list.servers.includes(server(3)), 'the one that ends first makes room');
  t.equal(list.servers.at(-1), server(200));
});
