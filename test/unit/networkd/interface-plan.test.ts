import t from 'tap';
import { leaseOf } from '../../../lib/networkd/dhcp/lease.js';
import { type InterfaceState, planChanges } from '../../../lib/networkd/interface-plan.js';
import { ack } from './dhcp/messages.js';

const NOTHING: InterfaceState = { mtu: 1500, leasedAddresses: [], leasedRoutes: [] };
const NOW = { nowMs: 5000, ownMtu: 1500 };
const DEFAULT = { destination: '0.0.0.0/0', gateway: '10.0.2.2' };
const lease = (more: Parameters<typeof ack>[0] = {}) => leaseOf(ack(more), 0, 0);
const SET_ADDRESS = { kind: 'set-address', address: '10.0.2.15/24', lifetimeSeconds: 3595 };
const SET_ROUTE = { kind: 'set-route', route: DEFAULT, source: '10.0.2.15' };

t.test('the first lease', async (t) => {
  t.same(planChanges(NOTHING, lease(), NOW), [SET_ADDRESS, SET_ROUTE]);
  t.same(planChanges(NOTHING, lease({ mtu: 1400, routers: [] }), NOW), [{ kind: 'set-mtu', mtu: 1400 }, SET_ADDRESS]);
});

t.test('the same again', async (t) => {
  const state = { mtu: 1500, leasedAddresses: ['10.0.2.15/24'], leasedRoutes: [DEFAULT] };
  t.same(planChanges(state, lease(), NOW), [SET_ADDRESS, SET_ROUTE], 'for its new lifetime');
});

t.test('another address, another router', async (t) => {
  const state = {
    mtu: 1400,
    leasedAddresses: ['10.0.2.77/24', '10.0.2.15/16'],
    leasedRoutes: [{ ...DEFAULT, gateway: '10.0.2.9' }],
  };
  t.same(planChanges(state, lease(), NOW), [
    { kind: 'remove-route', route: { destination: '0.0.0.0/0', gateway: '10.0.2.9' } },
    { kind: 'remove-address', address: '10.0.2.77/24' },
    { kind: 'remove-address', address: '10.0.2.15/16' },
    { kind: 'set-mtu', mtu: 1500 },
    SET_ADDRESS,
    SET_ROUTE,
  ]);
});

t.test('no lease any more', async (t) => {
  const state = { mtu: 1400, leasedAddresses: ['10.0.2.15/24'], leasedRoutes: [DEFAULT] };
  t.same(planChanges(state, undefined, NOW), [
    { kind: 'remove-route', route: DEFAULT },
    { kind: 'remove-address', address: '10.0.2.15/24' },
    { kind: 'set-mtu', mtu: 1500 },
  ]);
  t.same(planChanges(NOTHING, undefined, NOW), []);
});

t.test('lifetimes', async (t) => {
  const lifetime = (expiresAtMs: number) => {
    const change = planChanges(NOTHING, { ...lease(), expiresAtMs }, NOW).find(({ kind }) => kind === 'set-address');
    return change?.kind === 'set-address' ? change.lifetimeSeconds : undefined;
  };
  t.equal(
    lifetime(Number.POSITIVE_INFINITY),
    0xffff_fffe,
    'for ever is not said: it could not be told from a static address',
  );
  t.equal(lifetime(6001), 2, 'rounded up');
  t.equal(lifetime(4000), 1, 'one that has ended already is taken away by our own timer');
});
