/** osctl health of nodes with Kubernetes: a node and a Kubernetes API that this test plays. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { KubeApi, send } from '../../helpers/kube-api.js';
import { kubeNode } from '../../helpers/kube-nodes.js';
import { FakeNode, type Handlers, statusError } from '../client/fake-node.js';
import { sendsKubeconfig } from './kubeconfig-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const NODES = '/api/v1/nodes';
const KUBE_PROXY = '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy';
const COREDNS = '/apis/apps/v1/namespaces/kube-system/deployments/coredns';

const service = (id: string, lastMessage = '', state = 'Running', healthy = true) => ({
  ...{ id, state, health: { unknown: false, healthy, lastMessage } },
});
const serves = (...services: object[]) => ({
  ServiceList: () => ({ messages: [{ metadata: { hostname: 'node-1' }, services }] }),
});
const container = (name: string, state = 'RUNNING') => ({
  ...{
    namespace: 'k8s.io',
    id: `kube-system/${name}-node-1:${name}:0123456789ab`,
    podId: `kube-system/${name}-node-1`,
  },
  ...{ name, image: name, pid: 7, status: state },
});
const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'];
const runs = (...containers: object[]) => ({ Containers: () => ({ messages: [{ containers }] }) });

t.test('osctl health with Kubernetes', async (t) => {
  const home = await OsctlHome.create();
  const api = await KubeApi.start();
  const kubeconfig = await api.kubeconfig('admin');
  t.teardown(async () => {
    await api.stop();
    await home[Symbol.asyncDispose]();
  });
  const objects = new Map<string, object>();
  api.behave = ({ path }, response) => {
    const object = objects.get(path);
    if (object) send(response, 200, object);
    else if (path !== NODES) send(response, 404, { kind: 'Status', code: 404, message: 'not found' });
    return object !== undefined || path !== NODES;
  };
  const isWell = () => {
    objects.clear();
    objects.set('/version', { gitVersion: 'v1.20.2' });
    objects.set('/api/v1/namespaces/kube-system', { metadata: { name: 'kube-system' } });
    objects.set(KUBE_PROXY, { status: { desiredNumberScheduled: 2, numberReady: 2 } });
    objects.set(COREDNS, { spec: { replicas: 2 }, status: { availableReplicas: 2 } });
    api.set(NODES, kubeNode('node-1'));
    api.set(NODES, kubeNode('node-2'));
  };
  let made = 0;
  const controlPlane: Handlers = {
    Version: () => ({ messages: [{ version: { tag: 'v1' } }] }),
    ...serves(service('trustd'), service('kubelet')),
    ...runs(...COMPONENTS.map((name) => container(name))),
    Kubeconfig: sendsKubeconfig(() => {
      made++;
      return kubeconfig;
    }),
  };
  /** Outcomes of the checks behind those that every node has. */
  const check = async (handlers: Handlers, ...words: string[]) => {
    const node = await FakeNode.start({ handlers });
    const config = await home.write('config', node.talosconfig());
    try {
      const flags = words.length > 0 ? words : ['--wait-timeout', '0s'];
      const outcome = await home.run('--talosconfig', config, '-o', 'json', 'health', ...flags);
      const rows = JSON.parse(outcome.stdout) as { check: string; outcome: string; details: string }[];
      t.same(
        rows.slice(0, 5).map((row) => row.check),
        ['api', 'boot', 'services', 'ready', 'time'],
      );
      return { ...outcome, rows: rows.slice(5).map((row) => [row.check, row.outcome, row.details]) };
    } finally {
      await node[Symbol.asyncDispose]();
    }
  };

  await t.test('all is well', async (t) => {
    isWell();
    made = 0;
    const { code, rows, stderr } = await check(controlPlane);
    t.equal(code, 0, stderr);
    t.same(rows, [
      ['kubelet', 'ok', 'healthy'],
      ['static pods', 'ok', 'kube-apiserver, kube-controller-manager, kube-scheduler'],
      ['etcd', 'ok', 'runs, and is read from'],
      ['kubernetes api', 'ok', 'answers, version v1.20.2'],
      ['nodes', 'ok', 'Ready: node-1, node-2'],
      ['kube-proxy', 'ok', 'is ready on 2 of 2 nodes'],
      ['dns', 'ok', '2 of 2 CoreDNS pods are available'],
    ]);
    t.equal(made, 1, 'one kubeconfig for all of it');
    const beside = serves(service('trustd'), service('kubelet'), service('etcd'));
    const pods = runs(...COMPONENTS.slice(0, 3).map((name) => container(name, 'CONTAINER_RUNNING')));
    t.same((await check({ ...controlPlane, ...beside, ...pods })).rows, rows, 'as on other nodes that speak the API');
    t.ok(api.requests.every(({ method, user }) => method === 'GET' && user === 'admin'));
  });

  await t.test('each that is not well is a sentence', async (t) => {
    isWell();
    api.set(NODES, kubeNode('node-2', 'container runtime is down'));
    objects.set(KUBE_PROXY, { status: { desiredNumberScheduled: 2, numberReady: 1 } });
    objects.set(COREDNS, { spec: { replicas: 2 }, status: {} });
    objects.delete('/api/v1/namespaces/kube-system');
    const { code, rows, stderr } = await check({
      ...controlPlane,
      ...serves(service('trustd'), service('kubelet', 'waits for the bootstrap', 'Waiting', false)),
      ...runs(container('kube-apiserver'), container('kube-scheduler', 'STOPPED'), container('etcd')),
    });
    t.equal(code, 1);
    t.match(stderr, /not well: kubelet, static pods, etcd, nodes, kube-proxy, dns/);
    t.match(rows, [
      ['kubelet', 'failed', 'it is Waiting: waits for the bootstrap'],
      [
        'static pods',
        'failed',
        'kube-controller-manager and kube-scheduler do not run: see their logs with `osctl logs -k`',
      ],
      ['etcd', 'failed', /has nothing for GET \/api\/v1\/namespaces\/kube-system/],
      ['kubernetes api', 'ok'],
      ['nodes', 'failed', 'node-2 is not Ready: container runtime is down'],
      ['kube-proxy', 'failed', 'is ready on 1 of 2 nodes: see its pods with `osctl ps -k`'],
      ['dns', 'failed', '0 of 2 CoreDNS pods are available: see them with `osctl ps -k`'],
    ]);
    const beside = serves(service('trustd'), service('kubelet'), service('etcd', 'no leader', 'Running', false));
    t.match((await check({ ...controlPlane, ...beside })).rows[2], [
      'etcd',
      'failed',
      'it runs, and is not healthy: no leader',
    ]);
    const unhealthy = serves(service('trustd'), service('kubelet', 'connection refused', 'Running', false));
    const other = await check({ ...controlPlane, ...unhealthy, ...runs(container('kube-apiserver')) });
    t.match(other.rows[0], ['kubelet', 'failed', 'it runs, and is not healthy: connection refused']);
    t.match(other.rows[2], ['etcd', 'failed', 'etcd does not run: see its log with `osctl logs -k`']);
  });

  await t.test('a node that has not joined, and parts that a cluster does not have', async (t) => {
    isWell();
    objects.delete(KUBE_PROXY);
    objects.set(COREDNS, { spec: { replicas: 0 } });
    const elsewhere = {
      messages: [{ metadata: { hostname: 'node-3' }, services: [service('trustd'), service('kubelet')] }],
    };
    const { rows } = await check({ ...controlPlane, ServiceList: () => elsewhere });
    t.same(rows.slice(4), [
      ['nodes', 'failed', 'node-3 has not joined'],
      ['kube-proxy', 'skipped', 'the cluster has none'],
      ['dns', 'skipped', 'it is scaled down to nothing'],
    ]);
    objects.delete(COREDNS);
    t.same((await check(controlPlane)).rows[6], ['dns', 'skipped', 'the cluster has none']);
  });

  await t.test('a Kubernetes API that does not answer', async (t) => {
    isWell();
    const gone = await KubeApi.start();
    const text = await gone.kubeconfig('admin');
    await gone.stop();
    const { code, rows } = await check({ ...controlPlane, Kubeconfig: sendsKubeconfig(() => text) });
    t.equal(code, 1);
    t.match(rows.slice(2), [
      ['etcd', 'skipped', /it runs; the Kubernetes API.* does not answer/],
      ['kubernetes api', 'failed', /the Kubernetes API at 127\.0\.0\.1:\d+ cannot be reached/],
      ...['nodes', 'kube-proxy', 'dns'].map((name) => [name, 'skipped', 'the Kubernetes API does not answer']),
    ]);
  });

  await t.test('a kubeconfig that is none', async (t) => {
    const { code, rows } = await check({ ...controlPlane, Kubeconfig: sendsKubeconfig(() => 'clusters: 7') });
    t.equal(code, 1);
    t.match(rows[3], ['kubernetes api', 'failed', /what the node sent.*clusters: must be a list/s]);
  });

  await t.test('who may not ask the Kubernetes API is told so', async (t) => {
    const Kubeconfig = () => {
      throw statusError(status.PERMISSION_DENIED, 'os:reader may not');
    };
    const { code, rows } = await check({ ...controlPlane, Kubeconfig });
    t.equal(code, 0, 'that is no fault of the node');
    t.match(rows[2], ['etcd', 'ok', /^runs; only an administrator/]);
    t.same(
      rows.slice(3).map(([, outcome, details]) => [outcome, details]),
      Array.from({ length: 4 }, () => ['skipped', 'only an administrator may ask the Kubernetes API']),
    );
  });

  await t.test('a worker has a kubelet; a node without Kubernetes has no such checks', async (t) => {
    const worker = await check({ ...controlPlane, ...serves(service('proxyd'), service('kubelet')) });
    t.same(worker.rows, [['kubelet', 'ok', 'healthy']]);
    t.same((await check({ ...controlPlane, ...serves(service('trustd')) })).rows, []);
  });

  await t.test('it waits until all is well', async (t) => {
    isWell();
    api.set(NODES, kubeNode('node-2', 'not yet'));
    let looks = 0;
    const Containers = () => {
      if (++looks === 6) api.set(NODES, kubeNode('node-2'));
      return runs(...COMPONENTS.map((name) => container(name))).Containers();
    };
    made = 0;
    const { code, rows } = await check({ ...controlPlane, Containers }, '--wait-timeout', '60s');
    t.equal(code, 0);
    t.match(rows[4], ['nodes', 'ok', 'Ready: node-1, node-2']);
    t.equal(made, 1, 'with the kubeconfig that it has');
  });
});
