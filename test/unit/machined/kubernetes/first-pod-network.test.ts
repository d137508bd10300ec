/** The network of pods of the first node: which one it is, and how the Node gets it before there is a controller manager. */
import t from 'tap';
import type { JsonObject } from '../../../../lib/kube/api/index.js';
import { firstPodCidrs } from '../../../../lib/kube/first-pod-network.js';
import { givePodCidrs } from '../../../../lib/machined/kubernetes/first-pod-network.js';
import { configWith } from '../../../helpers/kubernetes-input.js';

const never = new AbortController().signal;
const ABOUT = { nodeName: 'node-1', podCidrs: ['10.244.0.0/24'] };

t.test('the part that the controller manager would give', async (t) => {
  const cidrsOf = (cluster: object) => firstPodCidrs(configWith({ cluster: cluster as Record<string, unknown> }));
  t.strictSame(cidrsOf({}), ['10.244.0.0/24']);
  t.strictSame(
    cidrsOf({
      network: { podSubnets: ['10.1.2.3/16', 'fd00:10::/56'], serviceSubnets: ['10.96.0.0/12', 'fd00:96::/112'] },
    }),
    ['10.1.0.0/24', 'fd00:10::/64'],
    'one of each IP version',
  );
  t.strictSame(cidrsOf({ network: { podSubnets: ['10.1.2.0/24'] } }), ['10.1.2.0/24'], 'room for one node');
  t.strictSame(cidrsOf({ network: { cni: { name: 'none' } } }), [], 'the network is not ours');
  for (const flag of ['node-cidr-mask-size', 'node-cidr-mask-size-ipv4', 'cidr-allocator-type']) {
    t.strictSame(cidrsOf({ controllerManager: { extraArgs: { [flag]: '26' } } }), [], flag);
  }
});

/** An API whose answers are those, one after the other, the last one again and again. */
function apiOf(...answers: (JsonObject | Error)[]) {
  const applied: [string, JsonObject][] = [];
  let asked = 0;
  return {
    applied,
    get asked() {
      return asked;
    },
    async get() {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error || answer === undefined) throw answer ?? new Error('nobody is there');
      return answer;
    },
    async apply(path: string, object: JsonObject) {
      applied.push([path, object]);
      return object;
    },
  };
}

t.test('the Node gets it as soon as the kubelet has made it', async (t) => {
  const lines: string[] = [];
  const api = apiOf(new Error('there is no such Node'), { metadata: { name: 'node-1' }, spec: {} });
  t.equal(await givePodCidrs(api, { ...ABOUT, log: (text) => lines.push(text) }, never), true);
  t.equal(api.asked, 2);
  t.match(api.applied, [['/api/v1/nodes/node-1', { spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] } }]]);
  t.equal(api.applied.length, 1);
  t.strictSame(lines, []);
});

t.test('what it has already stays', async (t) => {
  const api = apiOf({ spec: { podCIDR: '10.244.7.0/24', podCIDRs: ['10.244.7.0/24'] } });
  t.equal(await givePodCidrs(api, { ...ABOUT, log: () => {} }, never), true);
  t.strictSame(api.applied, []);
});

t.test('a kubelet that makes none is not waited for: the controller manager gives it its network then', async (t) => {
  const lines: string[] = [];
  const api = apiOf(new Error('there is no such Node'));
  const options = { ...ABOUT, log: (text: string) => void lines.push(text), patienceMs: 30 };
  t.equal(await givePodCidrs(api, options, never), false);
  t.strictSame(api.applied, [], 'a Node is never made here');
  t.match(lines, ["the network of this node's pods is left to the controller manager: there is no such Node"]);
});

t.test('the node goes down meanwhile', async (t) => {
  const down = new AbortController();
  const giving = givePodCidrs(apiOf(new Error('not yet')), { ...ABOUT, log: () => {} }, down.signal);
  down.abort(new Error('the node goes down'));
  await t.rejects(giving, { message: 'the node goes down' });
});
