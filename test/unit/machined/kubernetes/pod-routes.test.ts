import t from 'tap';
import type { ClusterNode } from '../../../../lib/kube/api/index.js';
import { type PodNetworkFacts, podRoutesOf } from '../../../../lib/machined/kubernetes/pod-routes.js';

const FACTS: PodNetworkFacts = {
  ownName: 'node-1',
  podSubnets: ['10.244.0.0/16', 'fd00:10:244::/56'],
  // With the bridge of its own pods.
  ownNetworks: ['10.5.0.2/24', 'fd00::2/64', '10.244.0.1/24', 'fd00:10:244::1/64'],
};

let created = 0;
function node(
  name: string,
  podCidrs: string[],
  internalAddresses: string[],
  more: Partial<ClusterNode> = {},
): ClusterNode {
  return {
    name,
    uid: `uid-${name}`,
    createdMs: ++created,
    isControlPlane: false,
    podCidrs,
    internalAddresses,
    ...more,
  };
}

const OWN = node('node-1', ['10.244.0.0/24', 'fd00:10:244::/64'], ['10.5.0.2', 'fd00::2']);

t.test('routes to the others, of both families', (t) => {
  const others = [
    node('node-3', ['10.244.2.0/24'], ['192.0.2.1', '10.5.0.4']),
    node('node-2', ['10.244.1.0/24', 'FD00:10:244:1::/64'], ['10.5.0.3', 'FD00:0::3']),
    node('new', [], ['10.5.0.9']),
  ];
  t.same(podRoutesOf([...others, OWN], FACTS), {
    routes: [
      { destination: '10.244.2.0/24', gateway: '10.5.0.4' },
      { destination: '10.244.1.0/24', gateway: '10.5.0.3' },
      { destination: 'fd00:10:244:1::/64', gateway: 'fd00::3' },
    ],
    problems: [],
  });
  t.same(podRoutesOf([], FACTS), { routes: [], problems: [] });
  t.end();
});

t.test('a node that says what cannot be gets nothing', (t) => {
  const cases: [string, RegExp][] = [
    ['0.0.0.0/0', /its pod network "0\.0\.0\.0\/0" is none/],
    ['::/0', /is none/],
    ['0.0.0.0/1', /is not in cluster\.network\.podSubnets/],
    ['10.5.0.0/24', /is not in cluster\.network\.podSubnets/],
    ['10.96.0.0/24', /is not in cluster/],
    ['10.244.0.0/15', /is not in cluster/],
    ['8.8.8.0/24', /is not in cluster/],
    ['2000::/3', /is not in cluster/],
    ['10.244.0.0/16', /is that of all pods/],
    ['fd00:10:244::/56', /is that of all pods/],
    ['10.244.0.0/24', /overlaps with 10\.244\.0\.0\/24 of node "node-1"/],
    ['10.244.0.7/32', /overlaps with 10\.244\.0\.0\/24 of node "node-1"/],
    ['10.244.0.0/20', /overlaps with 10\.244\.0\.0\/24 of node "node-1"/],
    ['10.244.1.0', /is none/],
    ['10.244.1.0/33', /is none/],
    ['10.244.1.0/24/24', /is none/],
    ['10.244.1.0/+24', /is none/],
    ['fd00:10:244:1::%eth0/64', /is none/],
    ['default', /is none/],
    ['', /is none/],
    ['\u001b[2Jx', /"\\x1b\[2Jx" is none/],
  ];
  for (const [cidr, problem] of cases) {
    // Older than this node: it is this node's own all the same.
    const hostile = node('evil', [cidr], ['10.5.0.66', 'fd00::66'], { createdMs: 0 });
    const { routes, problems } = podRoutesOf([hostile, OWN], FACTS);
    t.same(routes, [], JSON.stringify(cidr));
    t.match(problems, [problem]);
  }
  t.end();
});

t.test('who came first keeps what it has', (t) => {
  const first = node('first', ['10.244.7.0/24'], ['10.5.0.3']);
  const later = node('later', ['10.244.7.128/25', '10.244.8.0/24'], ['10.5.0.66']);
  for (const nodes of [
    [first, later, OWN],
    [later, OWN, first],
  ]) {
    const { routes, problems } = podRoutesOf(nodes, FACTS);
    t.same(routes, [
      { destination: '10.244.7.0/24', gateway: '10.5.0.3' },
      { destination: '10.244.8.0/24', gateway: '10.5.0.66' },
    ]);
    t.match(problems, [
      /^node "later": its pod network 10\.244\.7\.128\/25 overlaps with 10\.244\.7\.0\/24 of node "first"$/,
    ]);
  }
  t.end();
});

t.test('gateways are addresses that this node has a network in common with, and not its own', (t) => {
  const cases = ['192.0.2.1', '10.244.0.9', '10.5.0.2', 'fd00::3', 'node-2', '', '10.5.0.3/24', '10.5.1.3'];
  for (const address of cases) {
    const { routes, problems } = podRoutesOf([node('node-2', ['10.244.1.0/24'], [address]), OWN], FACTS);
    t.same(routes, [], address);
    t.match(problems, [/^node "node-2" has no IPv4 address in a network of this node/]);
  }
  t.end();
});

t.test('this node’s own network is looked at, too', (t) => {
  const { problems } = podRoutesOf([node('node-1', ['10.5.0.0/24', '10.244.3.0/24'], [])], FACTS);
  t.match(problems, [/^node "node-1": its pod network 10\.5\.0\.0\/24 is not in cluster\.network\.podSubnets$/]);
  // A config whose pod networks are those of the nodes (with the only address of this node in it).
  const mistaken = { ...FACTS, podSubnets: ['10.0.0.0/8'] };
  const { routes } = podRoutesOf([node('node-2', ['10.5.0.128/25'], ['10.5.0.200'])], mistaken);
  t.same(routes, []);
  t.end();
});

t.test('a cluster that is too large, and problems without end', (t) => {
  const cidr = (index: number) => `10.${index >> 8}.${index & 255}.0/24`;
  const many = Array.from({ length: 2000 }, (_, index) => node(`n${index}`, [cidr(index)], ['10.255.0.3']));
  const facts = { ...FACTS, podSubnets: ['10.0.0.0/9'], ownNetworks: ['10.255.0.2/24'] };
  const begun = performance.now();
  const large = podRoutesOf(many, facts);
  t.equal(large.routes.length, 512);
  t.match(large.problems, [/too many nodes/]);
  t.ok(performance.now() - begun < 5000, 'it does not take for ever');
  const hostile = podRoutesOf(
    many.map((one) => ({ ...one, podCidrs: ['10.0.0.0/24'] })),
    facts,
  );
  t.equal(hostile.routes.length, 1);
  t.equal(hostile.problems.length, 16);
  t.match(hostile.problems.at(-1), /^and \d+ more of that kind$/);
  t.end();
});
