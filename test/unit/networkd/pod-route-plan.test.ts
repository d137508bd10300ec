import t from 'tap';
import type { PodRoute } from '../../../lib/control/protocol.js';
import { type PodRouteFacts, planPodRoutes } from '../../../lib/networkd/pod-route-plan.js';

const FACTS: PodRouteFacts = {
  links: [
    { index: 2, name: 'eth0', addresses: ['10.5.0.2/24', 'fd00::2/64'] },
    { index: 3, name: 'eth1', addresses: ['192.0.2.7/32'] },
  ],
  ownAddresses: ['127.0.0.1', '10.5.0.2', 'fd00::2', '192.0.2.7', '10.244.0.1', '10.244.200.200'],
  routes: [
    { destination: 'default', gateway: '10.5.0.1', index: 2, isOwn: false },
    { destination: '10.5.0.0/24', index: 2, isOwn: false },
    { destination: 'fd00::/64', index: 2, isOwn: false },
    { destination: '10.244.0.0/24', index: 9, isOwn: false },
    { destination: '198.51.100.0/24', gateway: '10.5.0.9', index: 2, isOwn: false },
  ],
};

const to = (destination: string, gateway: string): PodRoute => ({ destination, gateway });
const own = (destination: string, gateway: string, index = 2) => ({ destination, gateway, index, isOwn: true });

t.test('both families, each by the interface that its node is on', (t) => {
  const wanted = [to('10.244.1.0/24', '10.5.0.3'), to('fd00:1:1::/64', 'fd00::3')];
  t.same(planPodRoutes(wanted, FACTS), {
    remove: [],
    set: [
      { ...to('10.244.1.0/24', '10.5.0.3'), index: 2, name: 'eth0' },
      { ...to('fd00:1:1::/64', 'fd00::3'), index: 2, name: 'eth0' },
    ],
    problems: [],
  });
  t.end();
});

t.test('what is there already, has moved, or is not wanted any more', (t) => {
  const routes = [
    ...FACTS.routes,
    own('10.244.1.0/24', '10.5.0.3'),
    own('10.244.2.0/24', '10.5.0.4'),
    own('10.244.3.0/24', '10.5.0.5', 3),
    own('10.244.4.0/24', '10.5.0.6'),
    own('fd00:1:1::/64', 'fd00::3'),
    own('fd00:1:1::/64', 'fd00::4'),
  ];
  const wanted = [
    to('10.244.1.0/24', '10.5.0.3'),
    to('10.244.2.0/24', '10.5.0.44'),
    to('10.244.3.0/24', '10.5.0.5'),
    to('fd00:1:1::/64', 'fd00::3'),
  ];
  const plan = planPodRoutes(wanted, { ...FACTS, routes });
  t.same(plan.remove, [
    { ...to('10.244.4.0/24', '10.5.0.6'), index: 2 },
    { ...to('fd00:1:1::/64', 'fd00::4'), index: 2 },
  ]);
  t.same(
    plan.set.map(({ destination, gateway, index }) => [destination, gateway, index]),
    [
      ['10.244.2.0/24', '10.5.0.44', 2],
      ['10.244.3.0/24', '10.5.0.5', 2],
    ],
  );
  t.same(planPodRoutes([], { ...FACTS, routes }).remove.length, 6);
  t.end();
});

t.test('whatever a node says of itself, other traffic does not go to it', (t) => {
  const cases: [string, string, RegExp][] = [
    ['10.5.0.0/25', '10.5.0.3', /has the node itself in it/],
    ['10.5.0.128/25', '10.5.0.3', /overlaps with the route to 10\.5\.0\.0\/24/],
    ['10.0.0.0/8', '10.5.0.3', /has the node itself in it/],
    ['0.0.0.0/1', '10.5.0.3', /itself/],
    ['128.0.0.0/1', '10.5.0.3', /overlaps with the route to 198\.51\.100\.0\/24/],
    ['198.51.100.7/32', '10.5.0.3', /overlaps with the route to 198\.51\.100\.0\/24/],
    ['10.244.0.0/24', '10.5.0.3', /overlaps with the route to 10\.244\.0\.0\/24/],
    ['10.244.0.0/16', '10.5.0.3', /overlaps with the route to 10\.244\.0\.0\/24/],
    ['10.244.200.0/24', '10.5.0.3', /has this node's address 10\.244\.200\.200 in it/],
    ['127.0.0.0/8', '10.5.0.3', /has this node's address 127\.0\.0\.1 in it/],
    ['10.244.1.0/24', '10.5.0.2', /is this node/],
    ['10.244.1.0/24', '192.0.2.8', /192\.0\.2\.8 is not in a network of this node/],
    // A pod of ours is no node: its interface is not one that networkd keeps.
    ['10.244.1.0/24', '10.244.0.5', /is not in a network of this node/],
    ['10.244.1.0/24', 'fd00::3', /of another family/],
    ['8000::/1', 'fd00::3', /has the node itself in it/],
    ['fd00:1::/64', 'fe80::3', /is not in a network of this node/],
  ];
  for (const [destination, gateway, problem] of cases) {
    const { set, problems } = planPodRoutes([to(destination, gateway)], FACTS);
    t.same(set, [], destination);
    t.match(problems, [problem], destination);
  }
  t.end();
});

t.test('of two that overlap the first counts, and one that is refused goes', (t) => {
  const wanted = [to('10.244.1.0/24', '10.5.0.3'), to('10.244.1.128/25', '10.5.0.4'), to('10.244.0.0/16', '10.5.0.5')];
  const routes = [{ destination: '10.5.0.0/24', index: 2, isOwn: false }, own('10.244.1.128/25', '10.5.0.4')];
  const plan = planPodRoutes(wanted, { ...FACTS, ownAddresses: ['10.5.0.2'], routes });
  t.same(
    plan.set.map(({ destination }) => destination),
    ['10.244.1.0/24'],
  );
  t.same(plan.remove, [{ ...to('10.244.1.128/25', '10.5.0.4'), index: 2 }]);
  t.match(plan.problems, [/overlaps with the pods of 10\.5\.0\.3/, /overlaps with the pods of 10\.5\.0\.3/]);
  t.end();
});
