// The node and its cluster: a folder in which kubeconfigs appear, a real API server, and PID 1 that is told.
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { MachineConfig } from '../../../../lib/config/schema.js';
import type { PodRoute } from '../../../../lib/control/protocol.js';
import { ClusterWatch } from '../../../../lib/machined/kubernetes/cluster-watch.js';
import { loadConfig } from '../../../../lib/machined/load-config.js';
import { loadNative } from '../../../../lib/native/index.js';
import { seconds, within } from '../../../helpers/deadline.js';
import { KubeApi, sendStatus } from '../../../helpers/kube-api.js';
import { generated } from '../fixtures.js';

const NODES = '/api/v1/nodes';
const ENDPOINTS = '/api/v1/namespaces/default/endpoints';
const native = loadNative();
const configs = await generated();
const controlplane = loadConfig(configs.controlplane).config;
const worker: MachineConfig = { ...controlplane, machine: { ...controlplane.machine, type: 'worker' } };

const nodeObject = (name: string, podCIDR: string, address: string) => ({
  metadata: { name, uid: name, creationTimestamp: '2026-11-30T00:00:00Z' },
  spec: { podCIDR, podCIDRs: [podCIDR] },
  status: { addresses: [{ type: 'InternalIP', address }] },
});

const endpoints = (...addresses: string[]) => ({
  metadata: { name: 'kubernetes', namespace: 'default' },
  subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port: 6443 }] }],
});

interface SetUp {
  api?: KubeApi;
  folder?: string;
  config?: MachineConfig;
}

async function node(t: Test, { api: known, folder: given, config = worker }: SetUp = {}) {
  const api = known ?? (await KubeApi.start());
  const folder = given ?? t.testdir({});
  const sent: PodRoute[][] = [];
  const own: (readonly string[])[] = [];
  const manifests: string[] = [];
  const lines: string[] = [];
  const state = { networks: ['10.5.0.2/24'], fails: 0 };
  let changes = 0;
  let wake = () => {};
  const watch = new ClusterWatch({
    ...{ files: native.files, descriptor: native.descriptor, folder },
    proxy: { host: '127.0.0.1', port: api.port },
    config: () => config,
    networks: () => state.networks,
    podNetwork: {
      take: (podCidrs) => {
        own.push(podCidrs);
        wake();
      },
    },
    manifests: {
      use: (kubeconfig) => {
        manifests.push(kubeconfig === undefined ? 'no administrator' : 'an administrator');
        wake();
      },
      take: (ownName, nodes) => void manifests.push(`${ownName} of ${nodes.map(({ name }) => name).join()}`),
      stop: async () => void manifests.push('stop'),
    },
    setPodRoutes: async (routes) => {
      if (state.fails-- > 0) throw new Error('init does not listen');
      sent.push(routes);
      wake();
    },
    apiServersChanged: () => {
      changes++;
      wake();
    },
    log: (text) => {
      lines.push(text);
      wake();
    },
    retryMs: 1,
  });
  const stop = new AbortController();
  const over = watch.run(stop.signal).catch((error: unknown) => error);
  const end = async () => {
    stop.abort(new Error('enough'));
    t.match(await over, { message: 'enough' });
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        // That of the list itself.
        return [];
      }
    });
    t.same(
      open.filter((path) => path.startsWith(folder)),
      [],
      'nothing of the folder is open: what it is on can be unmounted',
    );
  };
  t.teardown(async () => {
    stop.abort(new Error('enough'));
    await over;
    if (!known) await api.stop();
  });
  const until = (what: string, isTrue: () => boolean) =>
    within(
      seconds(20),
      what,
      (async () => {
        while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve));
      })(),
      () => JSON.stringify({ sent, lines, changes, servers: watch.apiServers }),
    );
  const routes = (text: string) => until(`routes ${text}`, () => describe(sent.at(-1)) === text);
  return { api, folder, watch, sent, own, manifests, lines, until, routes, state, end, changes: () => changes };
}

const describe = (routes: PodRoute[] | undefined) =>
  routes?.map(({ destination, gateway }) => `${destination} ${gateway}`).join(', ');

/** As kubeadm does it: the kubelet's certificate is in a file that is replaced. */
async function joinCluster(api: KubeApi, folder: string, name = 'node-1'): Promise<void> {
  const { crt, key } = await api.client(`system:node:${name}`);
  const pem = join(folder, 'kubelet-client-current.pem');
  await writeFile(pem, `${crt}${key}`);
  const kubeconfig = JSON.parse(await api.kubeconfig(`system:node:${name}`)) as { users: { user: object }[] };
  kubeconfig.users = [{ name: 'u', user: { 'client-certificate': pem, 'client-key': pem } } as { user: object }];
  await writeFile(join(folder, 'kubelet.conf'), JSON.stringify(kubeconfig));
}

t.test('from the moment on that the kubelet has credentials', async (t) => {
  const { api, folder, watch, sent, own, lines, until, routes, state, changes } = await node(t);
  await routes('');
  api.set(NODES, nodeObject('node-1', '10.244.0.0/24', '10.5.0.2'));
  api.set(NODES, nodeObject('node-2', '10.244.1.0/24', '10.5.0.3'));
  api.set(ENDPOINTS, endpoints('10.5.0.7', '127.0.0.1'));
  t.equal(api.requests.length, 0, 'nobody is asked before');
  await joinCluster(api, folder);
  await routes('10.244.1.0/24 10.5.0.3');
  await until('API servers', () => watch.apiServers.length > 0);
  t.same(own.at(-1), ['10.244.0.0/24'], 'the network of its own pods');
  t.same(watch.apiServers, [{ host: '10.5.0.7', port: 6443 }], 'one of this host is none');
  t.equal(changes(), 1);
  t.ok(lines.includes('the Kubernetes API is served by 10.5.0.7'));

  await t.test('other nodes come and go', async () => {
    api.set(NODES, nodeObject('node-3', '10.244.2.0/24', '10.5.0.4'));
    await routes('10.244.1.0/24 10.5.0.3, 10.244.2.0/24 10.5.0.4');
    api.delete(NODES, 'node-2');
    await routes('10.244.2.0/24 10.5.0.4');
  });

  await t.test('what says nothing new is not passed on', async (t) => {
    const before = sent.length;
    api.set(NODES, {
      ...nodeObject('node-3', '10.244.2.0/24', '10.5.0.4'),
      status: { addresses: [{ type: 'InternalIP', address: '10.5.0.4' }], heartbeat: 1 },
    });
    api.set(ENDPOINTS, { metadata: { name: 'kubernetes', namespace: 'default' }, subsets: [] });
    api.set(NODES, nodeObject('evil', '0.0.0.0/0', '10.5.0.66'));
    await until('the refusal', () =>
      lines.some((line) => /"evil": its pod network "0\.0\.0\.0\/0" is none/.test(line)),
    );
    t.equal(sent.length, before);
    t.same(watch.apiServers, [{ host: '10.5.0.7', port: 6443 }], 'that there are none is not believed');
  });

  await t.test('this node gets another address', async () => {
    state.networks = ['192.0.2.2/24'];
    watch.refresh();
    await routes('');
    state.networks = ['192.0.2.2/24', '10.5.0.2/24'];
    watch.refresh();
    await routes('10.244.2.0/24 10.5.0.4');
  });

  await t.test('the API goes away, and is back: routes stay meanwhile', async (t) => {
    const before = sent.length;
    api.behave = (_request, response) => {
      sendStatus(response, 503, 'not yet');
      return true;
    };
    api.endWatches();
    await until('a problem', () => lines.some((line) => /\(503\)/.test(line)));
    api.behave = undefined;
    await until('the end of it', () => lines.some((line) => /are followed again/.test(line)));
    t.equal(sent.length, before);
    api.set(NODES, nodeObject('node-4', '10.244.4.0/24', '10.5.0.5'));
    await routes('10.244.2.0/24 10.5.0.4, 10.244.4.0/24 10.5.0.5');
  });

  await t.test('PID 1 that did not listen is told again', async () => {
    state.fails = 1;
    api.delete(NODES, 'node-4');
    await until('the failure', () => lines.some((line) => /init was not told where pods are/.test(line)));
    await routes('10.244.2.0/24 10.5.0.4');
  });

  await t.test('the node leaves', async (t) => {
    const before = changes();
    await rm(join(folder, 'kubelet.conf'));
    await routes('');
    await until('no servers', () => changes() > before);
    t.same(watch.apiServers, []);
    t.notOk(existsSync(join(folder, 'api-servers.json')), 'the next cluster has others');
  });
});

t.test('a process that is started again says nothing before it knows, and has the servers at once', async (t) => {
  const first = await node(t);
  const { api, folder } = first;
  api.set(NODES, nodeObject('node-2', '10.244.1.0/24', '10.5.0.3'));
  api.set(ENDPOINTS, endpoints('10.5.0.7', '10.5.0.8'));
  await joinCluster(api, folder);
  await first.routes('10.244.1.0/24 10.5.0.3');
  const file = join(folder, 'api-servers.json');
  await within(
    seconds(20),
    'the file',
    (async () => {
      await first.until('the servers', () => first.watch.apiServers.length === 2);
      while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
    })(),
  );
  await first.end();
  t.equal(first.manifests.at(-1), 'stop');
  api.behave = (_request, response) => {
    sendStatus(response, 503, 'not yet');
    return true;
  };
  const next = await node(t, { api, folder });
  await next.until('a problem', () => next.lines.some((line) => /\(503\)/.test(line)));
  t.same(next.sent, [], 'PID 1 has the routes');
  t.same(
    next.watch.apiServers.map(({ host }) => host),
    ['10.5.0.7', '10.5.0.8'],
  );
  t.equal(next.changes(), 1);
  api.behave = undefined;
  await next.routes('10.244.1.0/24 10.5.0.3');
  await next.end();

  await writeFile(file, '{"not":"a list"}');
  const third = await node(t, { api, folder });
  await third.routes('10.244.1.0/24 10.5.0.3');
  await third.until('the servers', () => third.watch.apiServers.length === 2);
  await third.end();
});

t.test('credentials that are others, and a file that is being written', async (t) => {
  const { api, folder, routes, lines, sent, until } = await node(t);
  api.set(NODES, nodeObject('node-1', '10.244.0.0/24', '10.5.0.2'));
  api.set(NODES, nodeObject('node-2', '10.244.1.0/24', '10.5.0.3'));
  await joinCluster(api, folder);
  await routes('10.244.1.0/24 10.5.0.3');
  const before = sent.length;
  const text = await readFile(join(folder, 'kubelet.conf'), 'utf8');
  await writeFile(join(folder, 'kubelet.conf'), '');
  await writeFile(join(folder, 'kubelet.conf'), text.slice(0, 40));
  await until('a line', () => lines.some((line) => /kubelet\.conf cannot be used/.test(line)));
  await writeFile(join(folder, 'kubelet.conf'), text);
  api.set(NODES, nodeObject('node-3', '10.244.2.0/24', '10.5.0.4'));
  await routes('10.244.1.0/24 10.5.0.3, 10.244.2.0/24 10.5.0.4');
  t.equal(sent.length, before + 1, 'nothing was taken away meanwhile');
  // Another cluster, in one step.
  const other = await KubeApi.start();
  t.teardown(() => other.stop());
  await writeFile(join(folder, 'new'), await other.kubeconfig('system:node:node-1'));
  await rename(join(folder, 'new'), join(folder, 'kubelet.conf'));
  await until('that the server is a stranger', () => lines.some((line) => /is not of the cluster's CA/.test(line)));
  await writeFile(join(folder, 'new'), await api.kubeconfig('somebody'));
  await rename(join(folder, 'new'), join(folder, 'kubelet.conf'));
  await until('that it is no node', () => lines.some((line) => /somebody who is no node/.test(line)));
});

t.test('with a network of the cluster’s own there are no routes of ours', async (t) => {
  const network = { ...worker.cluster.network, cni: { name: 'none' as const } };
  const config = { ...worker, cluster: { ...worker.cluster, network } };
  const { api, folder, watch, routes, until, sent } = await node(t, { config });
  api.set(NODES, nodeObject('node-1', '10.244.0.0/24', '10.5.0.2'));
  api.set(NODES, nodeObject('node-2', '10.244.1.0/24', '10.5.0.3'));
  api.set(ENDPOINTS, endpoints('10.5.0.7'));
  await joinCluster(api, folder);
  await until('the servers', () => watch.apiServers.length === 1);
  await routes('');
  t.same(sent, [[]]);
});

t.test('a control plane gives nodes what they may read, as soon as it can', async (t) => {
  const { api, folder, until, lines, manifests } = await node(t, { config: controlplane });
  let refusals = 2;
  api.behave = ({ method }, response) => {
    if (method !== 'PATCH' || refusals-- <= 0) return false;
    sendStatus(response, 403, 'not yet');
    return true;
  };
  await writeFile(join(folder, 'admin.conf'), await api.kubeconfig('kubernetes-admin'));
  await until('access', () => lines.includes('nodes of the cluster may read what their network needs'));
  t.equal(lines.filter((line) => /nodes may not read each other yet/.test(line)).length, 1);
  const patched = api.requests.filter(({ method }) => method === 'PATCH');
  t.ok(patched.length >= 6);
  t.ok(patched.every(({ user }) => user === 'kubernetes-admin'));
  t.equal(manifests.at(-1), 'an administrator', 'and can apply what the config has for the cluster');
});

t.test('a worker does not', async (t) => {
  const { api, folder, routes, manifests } = await node(t);
  await writeFile(join(folder, 'admin.conf'), await api.kubeconfig('kubernetes-admin'));
  await joinCluster(api, folder);
  api.set(NODES, nodeObject('node-2', '10.244.1.0/24', '10.5.0.3'));
  await routes('10.244.1.0/24 10.5.0.3');
  t.notOk(api.requests.some(({ method }) => method === 'PATCH'));
  t.notOk(manifests.includes('an administrator'));
  t.ok(manifests.includes('node-1 of node-2'), 'who is there is known to whoever applies manifests');
});
