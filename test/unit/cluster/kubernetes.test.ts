/** A cluster with Kubernetes, with stand-ins for QEMU and for the Kubernetes API; the real ones are in test/vm. */
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { TalosError } from '../../../lib/base/errors.js';
import { createCluster } from '../../../lib/cluster/create.js';
import type { CreateOptions, KubernetesOptions } from '../../../lib/cluster/create-options.js';
import { destroyCluster } from '../../../lib/cluster/destroy.js';
import { clustersDir } from '../../../lib/cluster/paths.js';
import { isRunning } from '../../../lib/cluster/process-identity.js';
import { listClusters, showCluster } from '../../../lib/cluster/show.js';
import { readState } from '../../../lib/cluster/state.js';
import { readConfigDisk } from '../../helpers/credentials.js';
import { KubeApi } from '../../helpers/kube-api.js';
import { kubeNode } from '../../helpers/kube-nodes.js';

t.setTimeout(120_000);

const NODES = '/api/v1/nodes';

/** Writes a boot into the console log, and stays. */
const QEMU = `#!/bin/sh
for word in "$@"; do case "$word" in *path=*console.log*) log=\${word#*path=}; log=\${log%,append=on};; esac; done
printf 'Linux version 6\\n[talos] init started\\n[talos] phase osd-listening\\n' >> "$log"
exec sleep 60
`;

function stage(t: Test, name: string) {
  const home = t.testdir({ bin: {} });
  const program = join(home, 'bin', 'qemu-system-x86_64');
  writeFileSync(program, QEMU);
  chmodSync(program, 0o755);
  const oldPath = process.env.PATH;
  process.env.PATH = `${join(home, 'bin')}:${oldPath}`;
  t.teardown(() => {
    process.env.PATH = oldPath;
  });
  const environment = { HOME: home, TALOS_HOME: join(home, 'talos'), TALOSCONFIG: join(home, 'config') };
  const said: string[] = [];
  const create = (kubernetes: Partial<KubernetesOptions>, more: Partial<CreateOptions> = {}) =>
    createCluster({
      ...{ name, kernel: '/k', initramfs: '/i', rootDisk: '/r', rootHash: 'ab', accelerator: 'tcg', environment },
      ...{ probe: async () => {}, onProgress: (text) => said.push(text) },
      kubernetes: { version: 'v1.20.2', bootstrap: async () => {}, ...kubernetes },
      ...more,
    });
  /** The API of the cluster's own authority, at the port that leads to it. */
  const serve = async (): Promise<KubeApi> => {
    const state = await readState(clustersDir(environment), name);
    const config = parse(await readConfigDisk(state?.nodes[0]?.configDisk ?? '')) as {
      cluster: { ca: { crt: string; key: string } };
    };
    const decode = (text: string) => Buffer.from(text, 'base64').toString();
    const ca = { crt: decode(config.cluster.ca.crt), key: decode(config.cluster.ca.key) };
    return KubeApi.start({ ca, port: Number(new URL(state?.kubernetes?.endpoint ?? '').port) });
  };
  return { environment, create, serve, said };
}

t.test('begun on the first control plane, and waited for until all nodes are Ready', async (t) => {
  const { environment, create, serve, said } = stage(t, 'kube');
  const asked: string[] = [];
  let api: KubeApi | undefined;
  const bootstrap: KubernetesOptions['bootstrap'] = async (target) => {
    asked.push(target.endpoint);
    t.match(target.crt, /BEGIN CERTIFICATE/);
    const served = await serve();
    api = served;
    served.set(NODES, kubeNode('kube-controlplane-1', 'no network yet'));
    // One after the other, each when the one before was seen.
    await served.until(() => served.watching > 0);
    served.set(NODES, kubeNode('kube-controlplane-1'));
    served.set(NODES, kubeNode('kube-worker-1', 'the plugin is not initialised'));
    served.set(NODES, kubeNode('kube-worker-1'));
  };
  // The order is answered at once; what comes of it goes on.
  let going: Promise<void> | undefined;
  const order: KubernetesOptions['bootstrap'] = async (target, signal) => {
    going = bootstrap(target, signal);
  };
  const state = await create({ bootstrap: order }, { workers: 1 });
  await going;
  t.teardown(() => api?.stop());
  const [control, worker] = state.nodes;
  t.same(asked, [control?.endpoint], 'once, and on the first control plane');
  t.equal(control?.memoryMib, 4096);
  t.equal(worker?.memoryMib, 2048);
  const { endpoint = '', kubeconfig = '', readyMs = 0, version } = state.kubernetes ?? {};
  t.equal(version, 'v1.20.2');
  t.ok(readyMs > (control?.apiReadyMs ?? 0));
  t.ok(api?.requests.every(({ user }) => user === 'admin'));
  t.ok(said.includes('waiting for the Kubernetes API'));
  t.match(said.join('\n'), /waiting for nodes, 0 of 2 are Ready: .*no network yet; kube-worker-1 has not joined/);

  t.equal(statSync(kubeconfig).mode & 0o777, 0o600, 'only its owner reads it');
  t.equal(parse(readFileSync(kubeconfig, 'utf8')).clusters[0].cluster.server, endpoint);
  const view = await showCluster('kube', environment);
  t.same(view.kubernetes, state.kubernetes);
  await destroyCluster('kube', { environment });
  t.throws(() => statSync(kubeconfig), { code: 'ENOENT' });
  t.same(await listClusters(environment), []);
});

t.test('nodes that are not Ready in time stay, and it is said what is missing', async (t) => {
  const { environment, create, serve } = stage(t, 'late');
  let api: KubeApi | undefined;
  const bootstrap = async () => {
    api = await serve();
    api.set(NODES, kubeNode('late-controlplane-1', 'no network'));
  };
  await t.rejects(create({ bootstrap }, { waitTimeoutMs: 1500 }), {
    code: 'ERR_KUBERNETES_START',
    message: 'Kubernetes was not ready within 1.5 s: late-controlplane-1 is not Ready: no network',
    hint: /the cluster is left as it is: look with `osctl health`.*osctl cluster destroy --name late/,
  });
  await api?.stop();
  const state = await readState(clustersDir(environment), 'late');
  t.ok(state?.nodes.every((node) => isRunning(node.process)));
  t.equal(state?.kubernetes?.readyMs, undefined);
  await destroyCluster('late', { environment });
});

t.test('an API that never answers, and an order that is refused', async (t) => {
  const { environment, create } = stage(t, 'mute');
  await t.rejects(create({}, { waitTimeoutMs: 600 }), {
    code: 'ERR_KUBERNETES_START',
    message: /not ready within 600 ms: the Kubernetes API at 127\.0\.0\.1:\d+ cannot be reached/,
  });
  await destroyCluster('mute', { environment });
  const bootstrap = async () => {
    throw new TalosError('FAILED_PRECONDITION', 'this node is a worker');
  };
  await t.rejects(create({ bootstrap }), {
    code: 'ERR_KUBERNETES_START',
    message: 'this node is a worker',
    cause: { code: 'FAILED_PRECONDITION' },
  });
  await destroyCluster('mute', { environment });
});

t.test('an order that the node never takes', async (t) => {
  const { environment, create } = stage(t, 'busy');
  const bootstrap: KubernetesOptions['bootstrap'] = (_target, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  await t.rejects(create({ bootstrap }, { waitTimeoutMs: 300 }), {
    code: 'ERR_KUBERNETES_START',
    message: /^127\.0\.0\.1:\d+ was not told to begin a cluster within 300 ms$/,
  });
  await destroyCluster('busy', { environment });
});

t.test('a node that ends while it is waited for, or told to begin', async (t) => {
  const { environment, create } = stage(t, 'gone');
  const end = async () => {
    const state = await readState(clustersDir(environment), 'gone');
    process.kill(state?.nodes[0]?.process.pid ?? 0, 'SIGKILL');
  };
  const ended = {
    code: 'ERR_KUBERNETES_START',
    cause: { code: 'ERR_QEMU_ENDED' },
    hint: /^the cluster is left as it is; `osctl cluster destroy/,
  };
  await t.rejects(create({ bootstrap: end }), ended);
  await destroyCluster('gone', { environment });
  const endsAndNeverAnswers: KubernetesOptions['bootstrap'] = async (_target, signal) => {
    await end();
    await once(signal, 'abort');
    throw new TalosError('UNAVAILABLE', 'connection refused');
  };
  await t.rejects(create({ bootstrap: endsAndNeverAnswers }), ended);
  await destroyCluster('gone', { environment });
});

t.test('too little memory is refused before anything is made', async (t) => {
  const { environment, create } = stage(t, 'small');
  await t.rejects(create({}, { memoryMib: 2047 }), {
    code: 'ERR_HARDWARE',
    message: 'a control plane with Kubernetes needs 2048 MiB of memory, and 2047 are too little',
    hint: /--memory 2048/,
  });
  t.same(await listClusters(environment), []);
});

t.test('without a config nothing begins', async (t) => {
  const { environment, create } = stage(t, 'bare');
  const bootstrap = async () => void t.fail('nobody is asked');
  const state = await create({ bootstrap }, { withConfigDisk: false });
  t.equal(state.kubernetes?.readyMs, undefined);
  await destroyCluster('bare', { environment });
});
