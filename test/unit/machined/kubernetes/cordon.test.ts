/** Whether pods may be put on a node: what is asked of a server that speaks the API. */
import t, { type Test } from 'tap';
import { cordon, uncordon } from '../../../../lib/machined/kubernetes/cordon.js';
import { KubeApi, type KubeRequest, send, sendStatus } from '../../../helpers/kube-api.js';

const never = new AbortController().signal;
const PATH = '/api/v1/nodes/node-1';

async function setUp(t: Test) {
  const api = await KubeApi.start();
  t.teardown(() => api.stop());
  const folder = t.testdir({ 'kubelet.conf': await api.kubeconfig('system:node:node-1') });
  return { api, place: { folder, server: { host: '127.0.0.1', port: api.port } } };
}

const body = (asked: KubeRequest | undefined) => JSON.parse(asked?.body ?? '');

t.test('nothing is scheduled to it any more, by its own word', async (t) => {
  const { api, place } = await setUp(t);
  await cordon('node-1', never, place);
  const asked = api.requests.at(-1);
  t.match(asked, { method: 'PATCH', path: PATH, user: 'system:node:node-1' });
  t.equal(asked?.query.get('fieldManager'), 'talos');
  t.strictSame(body(asked), {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    spec: { unschedulable: true },
  });
  api.behave = (_, response) => {
    response.writeHead(403).end('{}');
    return true;
  };
  await t.rejects(cordon('node-1', never, place), { code: 'ERR_KUBE_FORBIDDEN' });
  await t.rejects(cordon('node-1', never, { ...place, folder: t.testdir() }), { code: 'ENOENT' });
});

t.test('what it has said is taken back, and nothing of others', async (t) => {
  const { api, place } = await setUp(t);
  let node: { metadata: object; spec: { unschedulable?: boolean } } | undefined;
  /** Whether somebody else has cordoned it, too: what is not applied any more stays then. */
  let isOthers = false;
  api.behave = ({ method }, response) => {
    if (node === undefined) sendStatus(response, 404, 'nodes "node-1" not found');
    else if (method === 'GET') send(response, 200, node);
    else send(response, 200, { ...node, spec: isOthers ? node.spec : {} });
    return true;
  };
  t.equal(await uncordon('node-1', never, place), 'none', 'there is no such node');
  node = { metadata: { name: 'node-1', uid: 'u-1' }, spec: {} };
  t.equal(await uncordon('node-1', never, place), 'none');
  t.notOk(
    api.requests.some(({ method }) => method === 'PATCH'),
    'nothing was to do, and nothing was made',
  );
  node.spec.unschedulable = true;
  t.equal(await uncordon('node-1', never, place), 'open');
  t.match(api.requests.at(-1), { method: 'PATCH', path: PATH });
  t.strictSame(body(api.requests.at(-1)), {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', uid: 'u-1' },
  });
  isOthers = true;
  t.equal(await uncordon('node-1', never, place), 'kept');
});
