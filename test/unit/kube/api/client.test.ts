// Against a real server: what is asked, what is answered, and everything that may go wrong between.
import { rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseKubeconfig } from '../../../../lib/kube/api/access.js';
import { KubeClient, type KubeClientOptions } from '../../../../lib/kube/api/client.js';
import type { JsonObject } from '../../../../lib/kube/api/json.js';
import { textAt } from '../../../../lib/kube/api/json.js';
import { applyNodeAccess, NODE_ACCESS } from '../../../../lib/kube/api/node-access.js';
import type { WatchEvent } from '../../../../lib/kube/api/watch-stream.js';
import { KubeApi, kubeconfigText, send, sendStatus } from '../../../helpers/kube-api.js';

const PATH = '/api/v1/nodes';
const nameOf = (object: JsonObject) => textAt(object, 'metadata', 'name');

async function setUp(
  t: Test,
  options: Partial<KubeClientOptions> = {},
  server: Parameters<typeof KubeApi.start>[0] = {},
) {
  const api = await KubeApi.start(server);
  const access = parseKubeconfig(await api.kubeconfig('system:node:node-1'));
  const client = new KubeClient({ access, ...options });
  t.teardown(async () => {
    client.close();
    await api.stop();
  });
  return { api, client, access };
}

t.test('one object, and a list in pages', async (t) => {
  const { api, client } = await setUp(t);
  for (let index = 0; index < 600; index++) api.set(PATH, { metadata: { name: `n${String(index).padStart(3, '0')}` } });
  const { items, resourceVersion } = await client.list({ path: PATH }, { select: nameOf });
  t.equal(items.length, 600);
  t.same([items[0], items[599], resourceVersion], ['n000', 'n599', '700']);
  t.same(
    api.requests.map(({ query }) => [query.get('limit'), query.get('continue')]),
    [
      ['250', null],
      ['250', '250'],
      ['250', '500'],
    ],
  );
  t.equal(api.requests[0]?.user, 'system:node:node-1', 'with the client certificate');
  const one = await client.list({ path: PATH, fieldSelector: 'metadata.name=n007' }, { select: nameOf });
  t.same(one.items, ['n007']);
  api.behave = (_request, response) => {
    send(response, 200, { metadata: { name: 'x' } });
    return true;
  };
  t.equal(nameOf(await client.get(`${PATH}/x`)), 'x');
});

t.test('an object is made where it is said', async (t) => {
  const { api, client } = await setUp(t);
  api.behave = (_request, response) => {
    send(response, 201, { kind: 'Status', status: 'Success' });
    return true;
  };
  const path = '/api/v1/namespaces/default/pods/a/eviction';
  t.match(await client.create(path, { kind: 'Eviction' }), { status: 'Success' });
  t.match(api.requests[0], { method: 'POST', path, body: '{"kind":"Eviction"}', user: 'system:node:node-1' });
  api.behave = (_request, response) => {
    sendStatus(response, 409, 'another uid');
    return true;
  };
  await t.rejects(client.create(path, {}), { code: 'ERR_KUBE_CONFLICT', message: /409.*another uid/ });
});

t.test('a watch gives what happens, in order, and ends when the server ends it', async (t) => {
  const { api, client } = await setUp(t);
  api.set(PATH, { metadata: { name: 'a' } });
  const events: WatchEvent[] = [];
  let wake = () => {};
  const until = async (count: number) => {
    while (events.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const over = client.watch(
    { path: PATH },
    {
      ...{ resourceVersion: '100', timeoutMs: 60_000 },
      onEvents: (some) => {
        events.push(...some);
        wake();
      },
    },
  );
  await until(1);
  api.set(PATH, { metadata: { name: 'a' }, spec: {} });
  api.delete(PATH, 'a');
  api.bookmark();
  await until(4);
  t.same(
    events.map(({ kind }) => kind),
    ['set', 'set', 'deleted', 'bookmark'],
  );
  t.same(events[3], { kind: 'bookmark', resourceVersion: '103' });
  const query = api.requests.at(-1)?.query;
  t.same(
    ['allowWatchBookmarks', 'resourceVersion', 'timeoutSeconds'].map((name) => query?.get(name)),
    ['true', '100', '60'],
  );
  api.endWatches();
  await over;
});

t.test('answers that are refusals', async (t) => {
  const { api, client } = await setUp(t);
  const cases: [number, string, RegExp][] = [
    [401, 'ERR_KUBE_UNAUTHORIZED', /does not accept the credentials \(401\).*"no\\x0a way"$/],
    [403, 'ERR_KUBE_FORBIDDEN', /forbids GET \/api\/v1\/nodes \(403\): give the user/],
    [404, 'ERR_KUBE_NOT_FOUND', /has nothing for GET/],
    [410, 'ERR_KUBE_GONE', /has to be listed again/],
    [429, 'ERR_KUBE_BUSY', /cannot answer .* now \(429\)/],
    [503, 'ERR_KUBE_BUSY', /\(503\)/],
    [500, 'ERR_KUBE_REFUSED', /with 500/],
    [302, 'ERR_KUBE_REFUSED', /with 302/],
  ];
  for (const [status, code, message] of cases) {
    api.behave = (_request, response) => {
      if (status === 429) response.setHeader('retry-after', '7');
      sendStatus(response, status, 'no\n way');
      return true;
    };
    const retryAfterMs = status === 429 ? 7000 : 0;
    await t.rejects(client.list({ path: PATH }, { select: nameOf }), { code, message, retryAfterMs }, `list ${status}`);
    const watch = client.watch({ path: PATH }, { resourceVersion: '1', timeoutMs: 1000, onEvents: () => {} });
    await t.rejects(watch, { code }, `watch ${status}`);
  }
  api.behave = (_request, response) => {
    response.writeHead(502);
    response.end('<html>a proxy</html>');
    return true;
  };
  await t.rejects(client.get(PATH), { code: 'ERR_KUBE_REFUSED', message: /with 502$/ });
});

t.test('what is no answer', async (t) => {
  const { api, client } = await setUp(t, { maxBodyBytes: 2000, maxLineBytes: 500 });
  const answer = (text: string) => {
    api.behave = (_request, response) => {
      response.writeHead(200);
      response.end(text);
      return true;
    };
  };
  const list = () => client.list({ path: PATH }, { select: nameOf });
  const watch = () => client.watch({ path: PATH }, { resourceVersion: '1', timeoutMs: 5000, onEvents: () => {} });
  answer('<html>');
  await t.rejects(list(), { code: 'ERR_KUBE_ANSWER', message: /no JSON/ });
  await t.rejects(watch(), { code: 'ERR_KUBE_UNREACHABLE', message: /in the middle of an event/ });
  answer('<html>\n');
  await t.rejects(watch(), { code: 'ERR_KUBE_ANSWER', message: /no JSON/ });
  answer('[]');
  await t.rejects(list(), { code: 'ERR_KUBE_ANSWER', message: /no object/ });
  answer('{"items":[]}');
  await t.rejects(list(), { code: 'ERR_KUBE_ANSWER', message: /cannot be true/ });
  answer('{"metadata":{"resourceVersion":"1","continue":"x"},"items":[]}');
  await t.rejects(list(), { code: 'ERR_KUBE_ANSWER' }, 'no pages without end');
  answer(JSON.stringify({ metadata: { resourceVersion: '1' }, items: ['x'.repeat(3000)] }));
  await t.rejects(list(), { code: 'ERR_KUBE_ANSWER', message: /more than 2000 bytes/ });
  answer(
    `${JSON.stringify({ type: 'ADDED', object: { metadata: { resourceVersion: '2', name: 'x'.repeat(600) } } })}\n`,
  );
  await t.rejects(watch(), { code: 'ERR_KUBE_ANSWER', message: /event of .* of more than 500 bytes/ });
  answer('{"type":"ADDED","object":{"metadata":{}}}\n');
  await t.rejects(watch(), { code: 'ERR_KUBE_ANSWER', message: /no event/ });
  answer('{"type":"ADDED","object":{"__proto__":{"metadata":{"resourceVersion":"5"}}}}\n');
  await t.rejects(watch(), { code: 'ERR_KUBE_ANSWER', message: /no event/ });
});

t.test('events before a failure have happened', async (t) => {
  const { api, client } = await setUp(t);
  const events: WatchEvent[] = [];
  api.behave = (_request, response) => {
    const good = JSON.stringify({ type: 'ADDED', object: { metadata: { resourceVersion: '5', name: 'a' } } });
    const status = { kind: 'Status', code: 410, message: 'compacted' };
    response.writeHead(200);
    response.end(`${good}\n${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    return true;
  };
  const watch = client.watch(
    { path: PATH },
    { resourceVersion: '1', timeoutMs: 5000, onEvents: (some) => void events.push(...some) },
  );
  await t.rejects(watch, { code: 'ERR_KUBE_GONE' });
  t.equal(events.length, 1);
});

t.test('servers that are slow, or go in the middle', async (t) => {
  const { api, client } = await setUp(t, { deadlineMs: 200 });
  api.behave = () => true;
  await t.rejects(client.get(PATH), { code: 'ERR_KUBE_DEADLINE', message: /takes too long to answer GET/ });
  api.behave = (_request, response) => {
    response.writeHead(200);
    response.write('{"metadata":');
    return true;
  };
  await t.rejects(client.get(PATH), { code: 'ERR_KUBE_DEADLINE' }, 'a body that does not end');
  api.behave = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"metadata":', () => api.cut());
    return true;
  };
  await t.rejects(client.get(PATH), { code: 'ERR_KUBE_UNREACHABLE' });
  api.behave = (_request, response) => {
    response.writeHead(200);
    response.write('{"type":"ADDED","obj', () => api.cut());
    return true;
  };
  const watch = client.watch({ path: PATH }, { resourceVersion: '1', timeoutMs: 5000, onEvents: () => {} });
  await t.rejects(watch, { code: 'ERR_KUBE_UNREACHABLE' });
  const stop = new AbortController();
  api.behave = () => {
    stop.abort(new Error('enough'));
    return true;
  };
  await t.rejects(client.get(PATH, { signal: stop.signal }), { message: 'enough' });
  await t.rejects(client.get(PATH, { signal: stop.signal }), { message: 'enough' }, 'before it begins');
});

t.test('a connection that was kept, and that the server has ended, is no failure', async (t) => {
  const { api, client } = await setUp(t);
  await client.list({ path: PATH }, { select: nameOf });
  // The end of the connection and the next request are on their way at once.
  api.cut();
  await client.list({ path: PATH }, { select: nameOf });
  t.equal(api.requests.length, 2);
});

t.test('nobody there', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const { access } = await setUp(t);
  const client = new KubeClient({ access, connectTo: { host: '127.0.0.1', port } });
  await t.rejects(client.get(PATH), {
    code: 'ERR_KUBE_UNREACHABLE',
    message: `the Kubernetes API at 127.0.0.1:${port} cannot be reached (ECONNREFUSED): see whether kube-apiserver runs there`,
  });
});

t.test('who the server has to be', async (t) => {
  const { api, access } = await setUp(t);
  const other = await KubeApi.start();
  t.teardown(() => other.stop());
  const get = (options: Partial<KubeClientOptions>) => {
    const client = new KubeClient({ access, ...options });
    t.teardown(() => client.close());
    return client.get(PATH);
  };
  await t.rejects(get({ connectTo: { host: '127.0.0.1', port: other.port } }), {
    code: 'ERR_KUBE_UNTRUSTED',
    message: /is not of the cluster's CA/,
  });
  t.equal(other.requests.length, 0);
  await t.rejects(get({ access: { ...access, serverName: '10.5.0.2' } }), {
    code: 'ERR_KUBE_UNTRUSTED',
    message: /is not for 10\.5\.0\.2: add the name to cluster\.apiServer\.certSANs/,
  });
  await t.rejects(get({ access: { ...access, serverName: 'other.example' } }), { code: 'ERR_KUBE_UNTRUSTED' });
  await t.resolves(get({ access: { ...access, host: '192.0.2.1' }, connectTo: { host: '127.0.0.1', port: api.port } }));
  await t.resolves(get({ access: { ...access, serverName: 'kubernetes' } }), 'a name other than where it is');
  const dayMs = 24 * 3_600_000;
  const expired = await KubeApi.start({ ca: api.ca, lifetimeMs: dayMs / 24, now: Date.now() - dayMs });
  t.teardown(() => expired.stop());
  const error = await get({ connectTo: { host: '127.0.0.1', port: expired.port } }).catch((cause: unknown) => cause);
  t.match(error, { code: 'ERR_KUBE_UNTRUSTED', message: /has expired|is not valid yet/ });
});

t.test('certificates of strangers, and none that can be used', async (t) => {
  const { api, client } = await setUp(t);
  const other = await KubeApi.start();
  t.teardown(() => other.stop());
  const { crt, key } = await other.client('system:node:node-1');
  const server = `https://127.0.0.1:${api.port}`;
  const stranger = new KubeClient({ access: parseKubeconfig(kubeconfigText({ server, ca: api.ca.crt, crt, key })) });
  await t.rejects(stranger.get(PATH), { code: 'ERR_KUBE_UNAUTHORIZED', message: /\(401\)/ });
  const mixed = { server, ca: api.ca.crt, crt: (await api.client('a')).crt, key };
  await t.rejects(new KubeClient({ access: parseKubeconfig(kubeconfigText(mixed)) }).get(PATH), {
    code: 'ERR_KUBE_ACCESS',
    message: /cannot be used \(ERR_OSSL_\w+\)/,
  });
  const token = new KubeClient({
    access: {
      ...parseKubeconfig(kubeconfigText({ server, ca: api.ca.crt, crt, key })),
      client: { kind: 'token', token: { kind: 'text', text: 'secret\n' } },
    },
  });
  await t.rejects(token.get(PATH), { code: 'ERR_KUBE_UNAUTHORIZED' });
  await t.resolves(client.list({ path: PATH }, { select: nameOf }));
});

t.test('a client certificate that is replaced while we run, as the kubelet does it', async (t) => {
  const { api } = await setUp(t);
  const folder = t.testdir({});
  const current = join(folder, 'kubelet-client-current.pem');
  let count = 0;
  const replace = async (user: string) => {
    const { crt, key } = await api.client(user);
    const dated = join(folder, `kubelet-client-${count++}.pem`);
    await writeFile(dated, `${crt}${key}`);
    await symlink(dated, `${current}.new`);
    await rename(`${current}.new`, current);
  };
  const source = { kind: 'file' as const, path: current };
  const access = {
    ...{ host: '127.0.0.1', port: api.port, serverName: 'kubernetes', ca: { kind: 'text' as const, text: api.ca.crt } },
    client: { kind: 'certificate' as const, certificate: source, key: source },
  };
  const client = new KubeClient({ access });
  t.teardown(() => client.close());
  await t.rejects(client.get(PATH), {
    code: 'ERR_KUBE_ACCESS',
    message: `${current}, which the kubeconfig names, cannot be read (ENOENT): see whether the kubelet has made it`,
  });
  const users = () => api.requests.map(({ user }) => user);
  const list = () => client.list({ path: PATH }, { select: nameOf });
  await replace('system:node:first');
  await list();
  await list();
  const stop = new AbortController();
  const watch = client.watch(
    { path: PATH },
    { resourceVersion: '100', timeoutMs: 60_000, signal: stop.signal, onEvents: () => {} },
  );
  await api.until(() => api.watching === 1);
  await replace('system:node:second');
  await list();
  t.same(
    users(),
    ['first', 'first', 'first', 'second'].map((name) => `system:node:${name}`),
  );
  t.equal(api.watching, 1, 'what is under way goes on');
  stop.abort(new Error('enough'));
  await t.rejects(watch, { message: 'enough' });
  await unlink(current);
  await t.rejects(list(), { code: 'ERR_KUBE_ACCESS' });
});

t.test('what nodes may read is applied, roles first', async (t) => {
  const { api, client } = await setUp(t);
  await applyNodeAccess(client);
  await applyNodeAccess(client);
  t.equal(api.requests.length, 2 * NODE_ACCESS.length);
  t.same(
    api.requests
      .slice(0, 4)
      .map(({ method, path, query }) => [method, path, query.get('fieldManager'), query.get('force')]),
    [
      ['PATCH', '/apis/rbac.authorization.k8s.io/v1/clusterroles/talos%3Anode-network', 'talos', 'true'],
      ['PATCH', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/talos%3Anode-network', 'talos', 'true'],
      ['PATCH', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/talos%3Anode-network', 'talos', 'true'],
      [
        'PATCH',
        '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/talos%3Anode-network',
        'talos',
        'true',
      ],
    ],
  );
  const rules = NODE_ACCESS.flatMap(
    ({ object }) => (object['rules'] as { verbs: string[]; resources: string[] }[]) ?? [],
  );
  t.same(
    rules.map(({ resources, verbs }) => [resources, verbs]),
    [
      [['nodes'], ['list', 'watch']],
      [['endpoints'], ['get', 'list', 'watch']],
    ],
    'nothing but reading',
  );
});
