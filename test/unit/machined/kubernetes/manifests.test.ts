/** Manifests of a machine config on their way into a cluster: a real API server, real servers with manifests, and everything that may be missing meanwhile. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { MachineConfig } from '../../../../lib/config/schema.js';
import type { ClusterNode } from '../../../../lib/kube/api/index.js';
import { fetchManifest } from '../../../../lib/machined/kubernetes/manifests/fetch.js';
import { ManifestKeeper } from '../../../../lib/machined/kubernetes/manifests/keeper.js';
import {
  createCertificateAuthority,
  encodePrivateKey,
  generatePrivateKey,
  issueServerCertificate,
  publicKeyDer,
  standardPrivateKeyPem,
} from '../../../../lib/pki/index.js';
import { seconds, within } from '../../../helpers/deadline.js';
import { type Behaviour, KubeApi, sendStatus } from '../../../helpers/kube-api.js';
import { type KindsOfGroups, kinds } from '../../../helpers/kube-kinds.js';

type Manifests = Pick<
  MachineConfig['cluster'],
  'inlineManifests' | 'extraManifests' | 'extraManifestHeaders' | 'network'
>;

const ca = await createCertificateAuthority({});
const map = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const inline = (name: string, contents = map(name)) => ({ name, contents });
const controlPlane = (name: string, createdMs: number): ClusterNode => ({
  ...{ name, uid: name, createdMs, isControlPlane: true, podCidrs: [], internalAddresses: [] },
});

async function setUp(t: Test, cluster: Manifests, behave: Behaviour = kinds()) {
  const api = await KubeApi.start();
  api.behave = behave;
  const kubeconfig = await api.kubeconfig('kubernetes-admin');
  const state = { cluster };
  const lines: string[] = [];
  const reports: (string | undefined)[] = [];
  let wake = () => {};
  const keeper = new ManifestKeeper({
    config: () => ({ cluster: state.cluster as MachineConfig['cluster'] }),
    proxy: { host: '127.0.0.1', port: api.port },
    fetch: fetchManifest(async () => [], ca.crt),
    report: (problem) => {
      reports.push(problem);
      wake();
    },
    log: (text) => {
      lines.push(text);
      wake();
    },
    ...{ reportAfterMs: 0, maxDelayMs: 20 },
  });
  t.teardown(async () => {
    await keeper.stop();
    await api.stop();
  });
  // The timer of a wait alone keeps no process.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  const until = (what: string, isTrue: () => boolean) =>
    within(
      seconds(20),
      what,
      (async () => {
        while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve));
      })(),
      () => JSON.stringify({ lines, reports }),
    );
  const settled = (count = 1) =>
    until('all is there', () => lines.filter((text) => /are in the cluster$/.test(text)).length === count);
  const applied = () =>
    api.requests.filter(({ method }) => method === 'PATCH').map(({ path }) => path.split('/').at(-1));
  const begin = () => {
    keeper.use(kubeconfig);
    keeper.take('node-1', [controlPlane('node-1', 1)]);
  };
  return { api, keeper, kubeconfig, state, lines, reports, until, settled, applied, begin };
}

async function publish(t: Test, texts: Record<string, string | undefined>) {
  const key = await generatePrivateKey();
  const cert = await issueServerCertificate({
    ...{ ca, publicKeyDer: publicKeyDer(key), dnsNames: [], ipAddresses: ['127.0.0.1'] },
  });
  const asked: { url: string; token: unknown }[] = [];
  const server: Server = createServer(
    { cert, key: standardPrivateKeyPem(encodePrivateKey(key)) },
    (request, response) => {
      asked.push({ url: request.url ?? '', token: request.headers['x-token'] });
      const text = texts[request.url ?? ''];
      if (text?.startsWith('http')) response.writeHead(302, { location: text }).end();
      else response.writeHead(text === undefined ? 404 : 200).end(text);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { place: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, texts };
}

t.test('by the first control plane, as the administrator, and once', async (t) => {
  const { keeper, kubeconfig, api, lines, reports, settled, applied } = await setUp(t, {
    inlineManifests: [inline('one'), inline('two')],
  });
  keeper.take('node-2', [controlPlane('node-2', 2), controlPlane('node-1', 1)]);
  keeper.use(kubeconfig);
  t.strictSame([lines, api.requests], [[], []], 'another one is the first');
  keeper.take('node-2', [controlPlane('node-2', 2)]);
  await settled();
  t.strictSame(applied(), ['one', 'two']);
  t.ok(api.requests.every(({ user }) => user === 'kubernetes-admin'));
  t.match(lines, ['manifests: 2 objects of 2 are in the cluster']);
  keeper.take('node-2', [controlPlane('node-2', 2), controlPlane('node-3', 3)]);
  keeper.refresh();
  t.equal(applied().length, 2, 'nothing is new');
  t.ok(reports.every((report) => report === undefined));
});

t.test('another config: what is new is there, and what is gone stays and is told', async (t) => {
  const { keeper, state, lines, settled, applied, begin } = await setUp(t, {
    inlineManifests: [inline('one'), inline('two')],
  });
  begin();
  await settled();
  state.cluster = { inlineManifests: [inline('two'), inline('three')] };
  keeper.refresh();
  await settled(2);
  t.strictSame(applied(), ['one', 'two', 'two', 'three']);
  t.strictSame(lines.slice(-1), [
    'ConfigMap one is in no manifest any more and stays in the cluster: delete it with kubectl',
  ]);
  keeper.use(undefined);
  state.cluster = { inlineManifests: [inline('four')] };
  keeper.refresh();
  t.equal(applied().length, 4, 'who is no administrator any more applies nothing');
});

t.test('what is missing is told by name, tried again, and the rest does not wait for it', async (t) => {
  const groups: KindsOfGroups = {};
  const isRefused = { value: true };
  const known = kinds(() => groups);
  const { place, asked, texts } = await publish(t, {});
  const { lines, reports, until, settled, applied, begin } = await setUp(
    t,
    {
      inlineManifests: [
        inline('thing', 'apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: custom, namespace: demo}\n'),
        inline('picky'),
        inline('good'),
      ],
      extraManifests: [`${place}/extra.yaml?token=s3cret`],
    },
    (request, response) => {
      if (request.method === 'PATCH' && request.path.endsWith('/picky') && isRefused.value) {
        sendStatus(response, 422, 'data: Invalid value');
        return true;
      }
      return known(request, response);
    },
  );
  begin();
  await until('it is reported', () => reports.some((report) => report !== undefined));
  const report = reports.findLast((each) => each !== undefined);
  t.match(
    report,
    /^manifests of the cluster are not applied: manifest https:\/\/127\.0\.0\.1:\d+\/extra\.yaml: the answer has status 404; /,
  );
  t.match(
    report,
    /; inline manifest thing: Thing demo\/custom: the cluster has no kind "Thing" in "example\.org\/v1": see /,
  );
  t.match(report, /; inline manifest picky: ConfigMap picky: .* with 422: it says "data: Invalid value"$/);
  t.notMatch(report, /s3cret/);
  t.ok(applied().includes('good'));

  texts['/extra.yaml?token=s3cret'] = '<html>';
  await until('a page is no manifest', () =>
    reports.some((each) => /extra\.yaml: line 1: is no object/.test(each ?? '')),
  );
  texts['/extra.yaml?token=s3cret'] = `${map('extra')}---\n${map('more')}`;
  groups['/apis/example.org/v1'] = [['things', 'Thing', true]];
  isRefused.value = false;
  await settled();
  t.equal(reports.at(-1), undefined, 'and nothing is missing any more');
  t.equal(applied().filter((name) => name === 'good').length, 1, 'what is there is not applied again');
  t.strictSame(
    ['custom', 'extra', 'more'].filter((name) => !applied().includes(name)),
    [],
  );
  const count = asked.length;
  t.ok(count >= 3);
  t.match(lines.at(-1), /^manifests: 5 objects of 4 are in the cluster$/);
  t.strictSame(
    lines.filter((text, index) => text === lines[index - 1]),
    [],
    'nothing is said twice in a row',
  );
});

t.test('an API that does not answer is no fault of manifests', async (t) => {
  let isUp = false;
  const known = kinds();
  const { lines, reports, until, settled, applied, begin } = await setUp(
    t,
    { inlineManifests: [inline('one')] },
    (request, response) => {
      if (isUp) return known(request, response);
      sendStatus(response, 503, 'starting');
      return true;
    },
  );
  begin();
  await until('it is in the log', () => lines.length > 0);
  t.match(lines[0], /^manifests are not applied yet: the Kubernetes API .* cannot answer .* \(503\)/);
  isUp = true;
  await settled();
  t.strictSame(applied(), ['one']);
  t.ok(reports.every((report) => report === undefined));
});

t.test('those of URLs: headers for whom they are meant, and https to the end', async (t) => {
  const { place, asked } = await publish(t, { '/net': map('net'), '/a': map('a'), '/down': 'http://127.0.0.1:1/a' });
  const { reports, until, state, keeper, settled, applied, begin } = await setUp(t, {
    network: { cni: { name: 'custom', urls: [`${place}/net`] } },
    inlineManifests: [inline('inline')],
    extraManifests: [`${place}/a`],
    extraManifestHeaders: { 'X-Token': 'abc' },
  });
  begin();
  await settled();
  t.strictSame(applied(), ['net', 'inline', 'a'], 'the network first');
  t.strictSame(asked, [
    { url: '/net', token: undefined },
    { url: '/a', token: 'abc' },
  ]);
  state.cluster = { extraManifests: [`${place}/down`] };
  keeper.refresh();
  await until('it is refused', () => reports.some((each) => /redirects from https to http/.test(each ?? '')));
  t.equal(applied().length, 3);
});

t.test('it ends where it is', async (t) => {
  const asked = { count: 0 };
  let stop = () => {};
  const { keeper, begin, lines } = await setUp(t, { inlineManifests: [inline('one')] }, () => {
    asked.count++;
    // It is not answered any more.
    stop();
    return true;
  });
  const stopped = new Promise<void>((resolve) => {
    stop = () => void keeper.stop().then(resolve);
  });
  begin();
  await stopped;
  t.strictSame([asked.count, lines], [1, []]);
});
