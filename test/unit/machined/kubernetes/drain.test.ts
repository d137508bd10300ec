/** Moving the pods of a node away, against a server that speaks the API: which ones, how long, and what is said of it. */
import t, { type Test } from 'tap';
import { KubeClient, parseKubeconfig } from '../../../../lib/kube/api/index.js';
import { evictionApi } from '../../../../lib/kube/eviction.js';
import { type DrainOptions, describeDrain, drain } from '../../../../lib/machined/kubernetes/drain.js';
import { KubeApi, type KubeObject, send, sendStatus } from '../../../helpers/kube-api.js';

const PODS = '/api/v1/pods';
const never = new AbortController().signal;
const EVICTION = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/;

interface PodTraits {
  kind?: string;
  node?: string;
  phase?: string;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}

function pod(name: string, { kind, node = 'node-1', phase = 'Running', ...metadata }: PodTraits = {}): KubeObject {
  const ownerReferences = kind === undefined ? [] : [{ kind: 'Other' }, { kind, name: 'its', controller: true }];
  const named = { namespace: 'default', name, uid: `uid-${name}`, ownerReferences, ...metadata };
  return { metadata: named, spec: { nodeName: node }, status: { phase } };
}

/** @param refuse  status and text instead of an eviction */
async function setUp(t: Test, pods: KubeObject[], refuse?: (name: string) => [number, string] | undefined) {
  const api = await KubeApi.start();
  const client = new KubeClient({ access: parseKubeconfig(await api.kubeconfig('system:node:node-1')) });
  t.teardown(async () => {
    client.close();
    await api.stop();
  });
  for (const each of pods) api.set(PODS, each);
  const evicted: string[] = [];
  api.behave = ({ method, path, body }, response) => {
    const [, , name = ''] = EVICTION.exec(path) ?? [];
    if (method !== 'POST' || name === '') return false;
    const refusal = refuse?.(name);
    evicted.push(name);
    if (refusal !== undefined) {
      sendStatus(response, ...refusal);
      return true;
    }
    send(response, 201, { kind: 'Status', status: 'Success', was: JSON.parse(body) });
    api.delete(PODS, name);
    return true;
  };
  const lines: string[] = [];
  const run = (options: Partial<DrainOptions> = {}, signal = never) =>
    drain(
      {
        ...{ client, nodeName: 'node-1', eviction: 'policy/v1beta1', isForGood: false, retryMs: 1 },
        log: (text) => void lines.push(text),
        ...options,
      },
      signal,
    );
  return { api, evicted, lines, run };
}

const ALL = [
  pod('web', { kind: 'ReplicaSet' }),
  pod('db', { kind: 'StatefulSet' }),
  pod('alone'),
  pod('proxy', { kind: 'DaemonSet' }),
  pod('etcd', { kind: 'Node', annotations: { 'kubernetes.io/config.mirror': 'x' } }),
  pod('done', { kind: 'Job', phase: 'Succeeded' }),
  pod('elsewhere', { kind: 'ReplicaSet', node: 'node-2' }),
];

t.test('those go that somebody makes anew elsewhere; for good those of nobody go, too', async (t) => {
  const back = await setUp(t, ALL);
  t.strictSame(await back.run(), { moved: 2, left: [], why: undefined });
  t.strictSame(back.evicted.sort(), ['db', 'web']);
  const request = back.api.requests.find(({ method }) => method === 'POST');
  t.equal(request?.user, 'system:node:node-1');
  t.match(JSON.parse(request?.body ?? ''), {
    apiVersion: 'policy/v1beta1',
    kind: 'Eviction',
    metadata: { namespace: 'default' },
    deleteOptions: { preconditions: { uid: /^uid-(web|db)$/ } },
  });
  const good = await setUp(t, ALL);
  t.strictSame(await good.run({ isForGood: true }), { moved: 3, left: [], why: undefined });
  t.strictSame(good.evicted.sort(), ['alone', 'db', 'web']);
  const none = await setUp(t, ALL.slice(2));
  t.strictSame(await none.run(), { moved: 0, left: [], why: undefined }, 'none is to go, and nothing is waited for');
});

t.test('one that ends already is waited for; one that comes meanwhile would come again, and is not', async (t) => {
  const { api, evicted, run } = await setUp(t, [
    pod('ending', { kind: 'Job', deletionTimestamp: '2026-11-30T12:00:00Z' }),
    pod('ends', { kind: 'Job', deletionTimestamp: '2026-11-30T12:00:00Z' }),
  ]);
  const result = run();
  await api.until(() => api.watching > 0);
  api.set(PODS, pod('late', { kind: 'ReplicaSet' }));
  api.set(PODS, pod('ends', { kind: 'Job', phase: 'Succeeded' }));
  api.delete(PODS, 'ending');
  t.strictSame(await result, { moved: 2, left: [], why: undefined });
  t.strictSame(evicted, []);
});

t.test('a disruption budget is asked again until it allows it', async (t) => {
  let refusals = 3;
  const budget = "Cannot evict pod as it would violate the pod's disruption budget.";
  const { evicted, lines, run } = await setUp(t, [pod('web', { kind: 'ReplicaSet' })], () =>
    refusals-- > 0 ? [429, budget] : undefined,
  );
  t.strictSame(await run(), { moved: 1, left: [], why: undefined });
  t.equal(evicted.length, 4);
  t.equal(lines.length, 1, 'and said once');
  t.match(lines[0], /^pod default\/web is not evicted: .*disruption budget/);
});

t.test('what never goes is left, in time, and named', async (t) => {
  const { run } = await setUp(t, [pod('web', { kind: 'ReplicaSet' }), pod('db', { kind: 'StatefulSet' })], (name) =>
    name === 'db' ? [429, 'not now'] : undefined,
  );
  t.strictSame(await run({ patienceMs: 300 }), { moved: 1, left: ['default/db'], why: 'not within 0.3 s' });
  const forbidden = await setUp(t, [pod('web', { kind: 'ReplicaSet' })], () => [403, 'not yours']);
  t.strictSame(await forbidden.run(), { moved: 0, left: ['default/web'], why: undefined }, 'is not waited for');
  t.match(forbidden.lines[0], /forbids POST .*not yours/);
});

t.test('an API that does not answer is not waited for as long', async (t) => {
  const { api, run } = await setUp(t, [pod('web', { kind: 'ReplicaSet' })], () => [429, 'not now']);
  const result = run({ silenceMs: 100 });
  await api.until(() => api.watching > 0);
  await api.stop();
  t.match(await result, { moved: 0, left: ['default/web'], why: /cannot be reached/ });
});

t.test('the end of whoever waits is the end of it', async (t) => {
  const { api, run } = await setUp(t, [pod('web', { kind: 'ReplicaSet' })], () => [429, 'not now']);
  const stop = new AbortController();
  const result = run({}, stop.signal);
  await api.until(() => api.watching > 0);
  stop.abort(new Error('in a hurry'));
  await t.rejects(result, { message: 'in a hurry' });
});

t.test('which eviction a release has, and what is said', (t) => {
  t.equal(evictionApi({ version: 'v1.20.2' }), 'policy/v1beta1');
  t.equal(evictionApi({ version: 'v1.21.9' }), 'policy/v1beta1');
  t.equal(evictionApi({ version: 'v1.22.0' }), 'policy/v1');
  t.equal(evictionApi({ version: 'v1.36.0' }), 'policy/v1');
  const say = (moved: number, left: string[], why?: string) => describeDrain({ moved, left, why }, 1234);
  t.equal(say(0, []), 'there is no pod to move away');
  t.equal(say(0, [], 'the API is away'), 'no pod was moved away: the API is away');
  t.equal(say(2, []), '2 of 2 pods were moved away in 1.2 s');
  t.equal(say(1, ['a/b'], 'not within 300 s'), '1 of 2 pods were moved away in 1.2 s, and not a/b: not within 300 s');
  t.match(say(0, Array(12).fill('a/b')), /and not (a\/b, ){10}…$/);
  t.end();
});
