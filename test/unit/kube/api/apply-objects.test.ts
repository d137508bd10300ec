/** Objects into a cluster, over a real server: where they belong, in which order, and what the server does not take. */
import t, { type Test } from 'tap';
import { parseManifests } from '../../../../lib/config/manifest-text.js';
import { applyObjects, inOrder } from '../../../../lib/kube/api/apply-objects.js';
import { KubeClient, parseKubeconfig } from '../../../../lib/kube/api/index.js';
import { type Behaviour, KubeApi, send, sendStatus } from '../../../helpers/kube-api.js';
import { kinds } from '../../../helpers/kube-kinds.js';

const never = new AbortController().signal;

async function setUp(t: Test, behave: Behaviour = kinds()) {
  const api = await KubeApi.start();
  api.behave = behave;
  const client = new KubeClient({ access: parseKubeconfig(await api.kubeconfig('admin')) });
  t.teardown(async () => {
    client.close();
    await api.stop();
  });
  const done: string[] = [];
  const apply = (text: string) =>
    applyObjects(client, parseManifests(text).objects, { applied: ({ name }) => done.push(name), signal: never });
  const patches = () => api.requests.filter(({ method }) => method === 'PATCH');
  return { api, apply, done, patches };
}

const object = (kind: string, name: string, { apiVersion = 'v1', namespace = '' } = {}) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: "${name}"${namespace && `, namespace: ${namespace}`}}\n---\n`;

t.test('each at its place, in an order in which it can be there', async (t) => {
  const { apply, done, patches, api } = await setUp(t);
  const left = await apply(
    object('ValidatingWebhookConfiguration', 'hook', { apiVersion: 'admissionregistration.k8s.io/v1' }) +
      object('ConfigMap', 'one', { namespace: 'demo' }) +
      object('ConfigMap', 'two') +
      object('CustomResourceDefinition', 'things.example.org', { apiVersion: 'apiextensions.k8s.io/v1' }) +
      object('ClusterRole', 'a:b', { apiVersion: 'rbac.authorization.k8s.io/v1', namespace: 'nonsense' }) +
      object('Namespace', 'demo'),
  );
  t.strictSame(left, []);
  t.strictSame(done, ['demo', 'things.example.org', 'one', 'two', 'a:b', 'hook']);
  t.strictSame(
    patches().map(({ path }) => path),
    [
      '/api/v1/namespaces/demo',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.org',
      '/api/v1/namespaces/demo/configmaps/one',
      '/api/v1/namespaces/default/configmaps/two',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hook',
    ],
  );
  const [first] = patches();
  t.strictSame([first?.query.get('fieldManager'), first?.query.get('force'), first?.user], ['talos', 'true', 'admin']);
  const bodies = patches().map(({ body }) => JSON.parse(body) as { metadata: object });
  t.strictSame(bodies[3]?.metadata, { name: 'two', namespace: 'default' });
  t.strictSame(bodies[4]?.metadata, { name: 'a:b' }, 'a kind without namespaces has none');
  t.equal(api.requests.filter(({ path }) => path === '/api/v1').length, 1, 'each group is asked for once');
  t.strictSame(
    inOrder(['Pod', 'APIService', 'Namespace', 'Pod'].map((kind, name) => ({ kind, name }))).map(({ name }) => name),
    [2, 0, 3, 1],
  );
});

t.test('what the server does not take is told, and the others go on', async (t) => {
  const known = kinds();
  const { apply, done } = await setUp(t, (request, response) => {
    if (request.method === 'PATCH' && request.path.endsWith('/bad')) {
      sendStatus(response, 422, 'spec.x: Invalid value');
      return true;
    }
    return known(request, response);
  });
  const left = await apply(
    object('ConfigMap', 'bad') +
      object('Thing', 'unknown', { apiVersion: 'example.org/v1' }) +
      object('Gadget', 'unknown') +
      object('ConfigMap', 'good'),
  );
  t.strictSame(done, ['good']);
  t.match(
    left.map(({ object: { name }, error }) => [name, error.message]),
    [
      ['bad', /answers PATCH .*\/bad with 422: it says "spec\.x: Invalid value"$/],
      ['unknown', /the cluster has no kind "Thing" in "example\.org\/v1": see whether something that brings it/],
      ['unknown', /the cluster has no kind "Gadget" in "v1"/],
    ],
  );
});

t.test('a server that cannot be asked ends it', async (t) => {
  for (const [status, code] of [
    [401, 'ERR_KUBE_UNAUTHORIZED'],
    [503, 'ERR_KUBE_BUSY'],
  ] as const) {
    const { apply, done } = await setUp(t, (_, response) => {
      sendStatus(response, status, 'no');
      return true;
    });
    await t.rejects(apply(object('ConfigMap', 'a')), { code });
    t.strictSame(done, []);
  }
  const odd = await setUp(t, (_, response) => {
    send(response, 200, { resources: [{ name: 'configmaps/status', kind: 'ConfigMap' }, { kind: 7 }, 'x'] });
    return true;
  });
  t.match(await odd.apply(object('ConfigMap', 'a')), [{ error: { code: 'ERR_KUBE_NOT_FOUND' } }]);
});
