/** osctl kubeconfig, of a node that this test plays; and what is left of a local cluster in the user's own kubeconfig. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { identify } from '../../../lib/cluster/process-identity.js';
import { kubeconfigOf } from '../../../lib/kube/kubeconfig.js';
import { parseKubeconfig, withoutClusters, withServer } from '../../../lib/osctl/kubeconfig-merge.js';
import { FakeNode } from '../client/fake-node.js';
import { sendsKubeconfig } from './kubeconfig-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const NODES_SERVER = 'https://10.0.2.15:6443';
const FORWARDED = 'https://127.0.0.1:6450';

/** @param ca  what tells clusters apart */
const made = (clusterName: string, ca = clusterName) =>
  kubeconfigOf({ clusterName, server: NODES_SERVER, ca, user: 'admin', client: { crt: 'crt', key: 'key' } });
const parsed = (text: string) => parseKubeconfig(text, 'the test');

t.test('another server for the cluster that is meant', async (t) => {
  const config = parsed(made('one'));
  const other = withServer({ ...config, clusters: [...config.clusters, { name: 'two', cluster: {} }] }, FORWARDED);
  t.match(other.clusters, [
    { name: 'one', cluster: { server: FORWARDED } },
    { name: 'two', cluster: {} },
  ]);
  t.match(config.clusters, [{ cluster: { server: NODES_SERVER } }], 'the given one is as it was');
});

t.test('a cluster is taken out by its authority, whatever it is called', async (t) => {
  const one = parsed(made('one'));
  const renamed = parsed(made('other', 'one').replaceAll('admin@other', 'me'));
  const two = parsed(made('two'));
  const both = {
    ...two,
    clusters: [...renamed.clusters, ...two.clusters],
    users: [...renamed.users, ...two.users],
    contexts: [...renamed.contexts, ...two.contexts],
    'current-context': 'me',
  };
  t.same(withoutClusters(both, one), { ...two, 'current-context': '' });
  t.equal(withoutClusters(two, one), undefined, 'there is nothing of it');
  t.equal(withoutClusters({ ...two, clusters: [{ name: 'two', cluster: {} }] }, one), undefined);
  const nameless = parsed(made('one').replace(/certificate-authority-data: .*/, 'insecure-skip-tls-verify: true'));
  t.equal(withoutClusters(nameless, nameless), undefined, 'without an authority nothing is the same');
  const shared = { ...both, contexts: [...both.contexts, { name: 'x', context: { cluster: 'two', user: 'me' } }] };
  t.same(withoutClusters(shared, one)?.users, [...renamed.users, ...two.users], 'who is used elsewhere stays');
});

t.test('osctl kubeconfig', async (t) => {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({ handlers: { Kubeconfig: sendsKubeconfig(() => made('demo')) } });
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const config = await home.write('talosconfig', node.talosconfig());
  const server = async (...words: string[]) => {
    const { stdout, stderr, code } = await home.run('--talosconfig', config, 'kubeconfig', '-', ...words);
    t.equal(code, 0, stderr);
    return parse(stdout).clusters[0].cluster.server;
  };
  const own = home.path('.kube/config');
  const folder = home.path('.talos/clusters/local');
  await mkdir(folder, { recursive: true });
  /** Of a local cluster whose node has the endpoint of this one. */
  const writeState = async (pid: number) => {
    const identity = identify(pid);
    await writeFile(`${folder}/kubeconfig`, made('demo').replaceAll(NODES_SERVER, FORWARDED));
    const state = {
      ...{ version: 1, name: 'local', arch: 'amd64', accelerator: 'tcg', context: 'local', talosconfig: config },
      nodes: [{ name: 'local-controlplane-1', process: identity, endpoint: node.endpoint, qmpSocket: 'none.qmp' }],
      kubernetes: { version: 'v1.20.2', endpoint: FORWARDED, kubeconfig: `${folder}/kubeconfig` },
    };
    await writeFile(`${folder}/state.json`, JSON.stringify(state));
  };

  await t.test('what the node says is what is had', async (t) => {
    t.equal(await server(), NODES_SERVER);
    const merged = await home.run('--talosconfig', config, 'kubeconfig');
    t.equal(merged.code, 0, merged.stderr);
    t.equal((await stat(own)).mode & 0o777, 0o600);
    t.match(parse(await readFile(own, 'utf8')), { 'current-context': 'admin@demo' });
  });

  await t.test('of a local cluster the server is where it is reached from here', async (t) => {
    const machine = spawn('sleep', ['60']);
    await once(machine, 'spawn');
    const ended = once(machine, 'exit');
    await writeState(machine.pid as number);
    await mkdir(home.path('.talos/clusters/broken'));
    await writeFile(home.path('.talos/clusters/broken/state.json'), '{');
    t.equal(await server(), FORWARDED);
    t.equal(await server('-e', node.endpoint), FORWARDED);

    t.equal((await home.run('--talosconfig', config, 'kubeconfig', '--force')).code, 0);
    t.match(parse(await readFile(own, 'utf8')).clusters, [{ cluster: { server: FORWARDED } }]);
    const destroyed = await home.run('cluster', 'destroy', '--name', 'local');
    t.equal(destroyed.code, 0, destroyed.stderr);
    await ended;
    t.match(
      parse(await readFile(own, 'utf8')),
      { clusters: [], users: [], contexts: [], 'current-context': '' },
      'nothing is left of it',
    );
    t.equal(await server(), NODES_SERVER);
  });

  await t.test('a machine that is off has not the port any more', async (t) => {
    const machine = spawn('sleep', ['60']);
    await once(machine, 'spawn');
    const ended = once(machine, 'exit');
    await mkdir(folder);
    await writeState(machine.pid as number);
    machine.kill();
    await ended;
    t.equal(await server(), NODES_SERVER);
    await mkdir(dirname(own), { recursive: true });
    await writeFile(own, 'clusters: 7\n');
    const { code, stderr } = await home.run('cluster', 'destroy', '--name', 'local');
    t.equal(code, 0, 'the cluster is gone all the same');
    t.match(stderr, /\.kube\/config is left as it is: .*\n.*cluster local is gone\n$/s);
  });
});
