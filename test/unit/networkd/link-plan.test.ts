import t from 'tap';
import type { RouteWish } from '../../../lib/config/network-document.js';
import { describeChange, type LinkState, type LinkWish, planLink } from '../../../lib/networkd/link-plan.js';

const route = (destination: string, more: Partial<RouteWish> = {}): RouteWish => ({
  family: 'inet',
  destination,
  metric: 0,
  ...more,
});
const empty: LinkState = { isUp: false, mtu: 1500, addresses: [], routes: [] };
const said = (wish: LinkWish | undefined, state: LinkState) => planLink(wish, state).map(describeChange);

const wish: LinkWish = {
  mtu: 1400,
  addresses: ['192.0.2.2/24', '2001:db8::2/64'],
  routes: [route('default', { gateway: '203.0.113.1' }), route('203.0.113.1/32')],
};

/** The state behind a plan that was done. */
function after(state: LinkState, plan: ReturnType<typeof planLink>): LinkState {
  let { isUp, mtu, addresses, routes } = state;
  for (const change of plan) {
    if (change.kind === 'set-up') isUp = true;
    if (change.kind === 'set-mtu') mtu = change.mtu;
    if (change.kind === 'add-address') addresses = [...addresses, { address: change.address, isOwn: true }];
    if (change.kind === 'remove-address') addresses = addresses.filter(({ address }) => address !== change.address);
    if (change.kind !== 'set-route' && change.kind !== 'remove-route') continue;
    routes = routes.filter(
      ({ destination, metric }) => destination !== change.route.destination || metric !== change.route.metric,
    );
    if (change.kind === 'set-route') routes = [...routes, { ...change.route, isOwn: true }];
  }
  return { isUp, mtu, addresses, routes };
}

t.test('from nothing: MTU, up, addresses, routes on the link, routes by gateways', async (t) => {
  t.same(said(wish, empty), [
    'mtu 1400',
    'up',
    'address 192.0.2.2/24',
    'address 2001:db8::2/64',
    'route 203.0.113.1/32',
    'route default by 203.0.113.1',
  ]);
  t.same(said(wish, after(empty, planLink(wish, empty))), [], 'done');
});

t.test('what goes, goes first, and only if it is ours', async (t) => {
  const state: LinkState = {
    isUp: true,
    mtu: 1400,
    addresses: [
      { address: '192.0.2.9/24', isOwn: true },
      { address: '192.0.2.10/24', isOwn: false },
    ],
    routes: [
      { ...route('198.51.100.0/24', { gateway: '192.0.2.1' }), isOwn: true },
      { ...route('198.51.101.0/24', { gateway: '192.0.2.1' }), isOwn: false },
    ],
  };
  t.same(said({ addresses: ['192.0.2.2/24'], routes: [] }, state), [
    'without route 198.51.100.0/24 by 192.0.2.1',
    'without address 192.0.2.9/24',
    'address 192.0.2.2/24',
  ]);
  t.same(said(undefined, state), ['without route 198.51.100.0/24 by 192.0.2.1', 'without address 192.0.2.9/24']);
  t.same(said(undefined, { ...state, isUp: false }).length, 2, 'nobody wants it up');
});

t.test('a route that differs is replaced in its place; others have their own', async (t) => {
  const state = (found: RouteWish, isOwn = true): LinkState => ({
    ...empty,
    isUp: true,
    routes: [{ ...found, isOwn }],
  });
  const wanted = route('default', { gateway: '192.0.2.1' });
  const one = { addresses: [], routes: [wanted] };
  t.same(said(one, state(wanted, false)), [], 'whoever has made it');
  t.same(
    said(one, state({ ...wanted, source: '192.0.2.2' })),
    [],
    "a source is the kernel's choice where none is named",
  );
  t.same(said(one, state({ ...wanted, gateway: '192.0.2.7' })), ['route default by 192.0.2.1']);
  t.same(said(one, state({ ...wanted, mtu: 1300 })), ['route default by 192.0.2.1']);
  t.same(said(one, state({ ...wanted, metric: 5 })), [
    'without route default by 192.0.2.1 metric 5',
    'route default by 192.0.2.1',
  ]);
  const withSource = { addresses: [], routes: [{ ...wanted, source: '192.0.2.2' }] };
  t.same(said(withSource, state(wanted)), ['route default by 192.0.2.1']);
});

t.test('whatever there was, one plan is enough', async (t) => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const addresses = ['192.0.2.1/24', '192.0.2.2/24', '2001:db8::1/64'];
  const routes = ['default', '198.51.100.0/24'].flatMap((destination) =>
    [0, 9].flatMap((metric) => ['192.0.2.8', '192.0.2.9'].map((gateway) => route(destination, { metric, gateway }))),
  );
  for (let round = 0; round < 2000; round++) {
    const state: LinkState = {
      isUp: random(2) === 0,
      mtu: [1400, 1500][random(2)] ?? 0,
      addresses: addresses.filter(() => random(2) === 0).map((address) => ({ address, isOwn: random(2) === 0 })),
      // One in each place of the table.
      routes: [0, 2, 4, 6]
        .filter(() => random(2) === 0)
        .map((at) => ({ ...routes[at + random(2)], isOwn: random(2) === 0 }) as never),
    };
    const some: LinkWish = {
      ...(random(2) === 0 && { mtu: 1400 }),
      addresses: addresses.filter(() => random(2) === 0),
      routes: [0, 2, 4, 6].filter(() => random(2) === 0).map((at) => routes[at + random(2)] as RouteWish),
    };
    const then = after(state, planLink(some, state));
    t.same(planLink(some, then), [], JSON.stringify({ state, some }));
    const foreign = (list: readonly { isOwn: boolean }[]) => list.filter(({ isOwn }) => !isOwn);
    t.equal(foreign(then.addresses).length, foreign(state.addresses).length);
  }
});
