/** The pieces of osctl cluster that are about Kubernetes: the order to begin, and what is shown. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { ClusterView } from '../../../lib/cluster/show.js';
import type { ClusterState } from '../../../lib/cluster/state.js';
import { bootstrap, kubernetesOf } from '../../../lib/osctl/commands/cluster/kubernetes.js';
import { progressLine } from '../../../lib/osctl/commands/cluster/progress.js';
import { clusterText, createdText } from '../../../lib/osctl/commands/cluster/view-text.js';
import { FakeNode, statusError } from '../client/fake-node.js';

t.setTimeout(60_000);

const ENOUGH = () => AbortSignal.timeout(30_000);

/** A node that is told to begin. @param answers  what it says to which call; it takes the order where there is nothing */
async function answering(answers: (call: number) => readonly [status, string] | undefined) {
  let calls = 0;
  const Bootstrap = () => {
    const [code, text] = answers(++calls) ?? [status.OK, ''];
    if (code !== status.OK) throw statusError(code, text);
    return { messages: [{}] };
  };
  const node = await FakeNode.start({ handlers: { Bootstrap } });
  const target = { endpoint: node.endpoint, ca: node.secrets.certs.os.crt, ...node.admin };
  return { node, target, calls: () => calls };
}

t.test('a node that still prepares itself is told again', async (t) => {
  const preparing = [status.UNAVAILABLE, 'this node still prepares itself: try again in a moment'] as const;
  const slow = await answering((call) => (call <= 2 ? preparing : undefined));
  t.teardown(() => slow.node[Symbol.asyncDispose]());
  await bootstrap(slow.target, ENOUGH());
  t.equal(slow.calls(), 3);

  const patience = new AbortController();
  const stuck = await answering((call) => {
    if (call === 2) patience.abort(new Error('enough'));
    return preparing;
  });
  t.teardown(() => stuck.node[Symbol.asyncDispose]());
  const told = bootstrap(stuck.target, patience.signal);
  await t.rejects(told, { code: 'UNAVAILABLE', message: /still prepares itself/ }, 'what it said last');
});

t.test('an order that was taken counts, one that is refused does not', async (t) => {
  const text = 'this node is becoming the first control plane already';
  const taken = await answering(() => [status.ALREADY_EXISTS, text]);
  t.teardown(() => taken.node[Symbol.asyncDispose]());
  await bootstrap(taken.target, ENOUGH());
  t.equal(taken.calls(), 1);
  const worker = await answering(() => [status.FAILED_PRECONDITION, 'this node is a worker']);
  t.teardown(() => worker.node[Symbol.asyncDispose]());
  await t.rejects(bootstrap(worker.target, ENOUGH()), { code: 'FAILED_PRECONDITION', message: /is a worker/ });
  t.equal(worker.calls(), 1);
});

t.test('flags', async (t) => {
  t.equal(await kubernetesOf({}), undefined);
  t.match(await kubernetesOf({ kubernetes: 'v1.20.2' }), {
    request: { version: 'v1.20.2' },
    options: { version: 'v1.20.2', pullsImages: false },
  });
  const directory = await kubernetesOf({ kubernetes: 'v1.35.0', kubernetesDirectory: '/srv/kubernetes' });
  t.match(directory, { request: { directory: '/srv/kubernetes' }, options: { pullsImages: false } });
  const official = await kubernetesOf({ kubernetes: 'v1.35.0' });
  t.match(official, { options: { pullsImages: true } }, 'what the archives do not have comes from the registry');
});

t.test('progress is a line, on a terminal one that fits', (t) => {
  const written: string[] = [];
  const sink = { write: (text: string) => written.push(text) };
  progressLine(sink).update('waiting for nodes');
  const live = progressLine({ ...sink, isTTY: true, columns: 10 });
  live.update('waiting for nodes');
  live.update('waiting');
  live.end();
  t.same(written, ['waiting for nodes\n', '\r\u001b[Kwaiting …', '\r\u001b[Kwaiting', '\r\u001b[K']);
  t.end();
});

t.test('what is shown', async (t) => {
  const kubernetes = { version: 'v1.20.2', endpoint: 'https://127.0.0.1:6450', kubeconfig: '/home/me/kubeconfig' };
  const node = (name: string) => ({ name, endpoint: '127.0.0.1:50000' });
  const state = { name: 'demo', context: 'demo', nodes: [node('a'), node('b')], kubernetes };
  t.equal(
    createdText({ ...state, kubernetes: { ...kubernetes, readyMs: 241_260 } } as unknown as ClusterState),
    `cluster demo: node a at 127.0.0.1:50000, node b at 127.0.0.1:50000, context demo
Kubernetes v1.20.2 at https://127.0.0.1:6450: 2 nodes Ready after 241.3 s
  kubectl --kubeconfig /home/me/kubeconfig get nodes -o wide
  osctl kubeconfig     merges it into your own
  osctl health         checks nodes and Kubernetes
`,
  );
  t.match(createdText(state as unknown as ClusterState), /https:\/\/127\.0\.0\.1:6450: not waited for\n/);
  t.notMatch(createdText({ ...state, kubernetes: undefined } as unknown as ClusterState), /Kubernetes|kubectl/);
  const view = { name: 'demo', state: 'ready', nodes: [], kubernetes: { ...kubernetes, readyMs: 241_260 } } as const;
  t.match(
    clusterText(view as ClusterView),
    /KUBERNETES +v1\.20\.2, Ready after 241\.3 s\n {2}endpoint +https:\/\/127\.0\.0\.1:6450\n {2}kubeconfig +\/home\/me\/kubeconfig\n/,
  );
  t.notMatch(clusterText({ ...view, kubernetes: undefined } as ClusterView), /KUBERNETES/);
});
