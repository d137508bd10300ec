/**
 * What the real kubeadm says when a node cannot join, and what whoever looks after the node reads of it. There is a server that shows a cluster as an API server
 * does to nodes that are nobody yet (https://github.com/kubernetes/design-proposals-archive/blob/main/cluster-lifecycle/bootstrap-discovery.md), and no further.
 */
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { GIB } from '../../lib/base/units.js';
import type { MachineConfig } from '../../lib/config/schema.js';
import { debianSource } from '../../lib/image/kubernetes/debian-source.js';
import { readReleases } from '../../lib/image/kubernetes/plan.js';
import { renderJoin } from '../../lib/kube/kubeadm/join.js';
import { DISCOVERY_TIMEOUT } from '../../lib/kube/kubeadm/timeouts.js';
import { findRelease } from '../../lib/kube/release.js';
import { runKubeadm } from '../../lib/machined/kubernetes/kubeadm.js';
import { loadConfig } from '../../lib/machined/load-config.js';
import { testArchitecture } from '../helpers/architecture.js';
import { checkout } from '../helpers/checkout.js';
import { KubeApi, send, sendStatus } from '../helpers/kube-api.js';
import { generated } from '../unit/machined/fixtures.js';

t.setTimeout(240_000);

const CLUSTER_INFO = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
const FACTS = { hostname: 'node-2', addresses: ['10.5.0.3/24'], memoryBytes: 4 * GIB, nowMs: Date.now() };
const TOKEN = 'abcdef.0123456789abcdef';
/** Of kubeadm, in place of that of nodes. */
const PATIENCE = '4s';

const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** A signature of the cluster's description by a token, without the description (RFC 7515, appendix F). */
function signature(text: string): Record<string, string> {
  const [id = '', secret = ''] = TOKEN.split('.');
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: id }));
  const mac = createHmac('sha256', secret)
    .update(`${header}.${base64url(text)}`)
    .digest('base64url');
  return { [`jws-kubeconfig-${id}`]: `${header}..${mac}` };
}

async function cluster(t: Test, config: MachineConfig): Promise<KubeApi> {
  const { ca } = config.cluster;
  if (ca === undefined) throw new Error('the config has no authority');
  const api = await KubeApi.start({ ca });
  t.teardown(() => api.stop());
  const shown = {
    server: `https://127.0.0.1:${api.port}`,
    'certificate-authority-data': Buffer.from(ca.crt).toString('base64'),
  };
  const kubeconfig = JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: '', cluster: shown }] });
  api.behave = ({ path }, response) => {
    const data = { kubeconfig, ...signature(kubeconfig) };
    if (path !== CLUSTER_INFO) sendStatus(response, 403, 'this is as far as it goes');
    else send(response, 200, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info' }, data });
    return true;
  };
  return api;
}

// It is for this machine's processor, or cannot be run.
if (testArchitecture === (process.arch === 'arm64' ? 'arm64' : 'amd64')) {
  const release = findRelease(await readReleases(checkout), 'v1.20.2');
  const { programs } = await debianSource(checkout, release).artifacts(testArchitecture, () => {});
  const loaded = loadConfig((await generated()).controlplane).config;
  const config: MachineConfig = {
    ...loaded,
    machine: { ...loaded.machine, type: 'worker' },
    cluster: { ...loaded.cluster, token: TOKEN },
  };

  /** What the failure of a join says, with this in the config. */
  async function failure(t: Test, port: number, change: Partial<MachineConfig['cluster']> = {}): Promise<string> {
    const endpoint = `https://127.0.0.1:${port}`;
    const changed = { ...config, cluster: { ...config.cluster, controlPlane: { endpoint }, ...change } };
    const text = renderJoin({ config: changed, release, facts: FACTS });
    t.ok(text.includes(DISCOVERY_TIMEOUT));
    const file = join(t.testdir(), 'kubeadm.yaml');
    await writeFile(file, text.replaceAll(DISCOVERY_TIMEOUT, PATIENCE));
    const argv = ['join', 'phase', 'kubelet-start', `--config=${file}`];
    const run = {
      signal: AbortSignal.timeout(60_000),
      onStartKubelet: async () => void t.fail('the kubelet is not started'),
    };
    const said = await runKubeadm(argv, run, { log: (line) => t.comment(line), program: programs.kubeadm }).then(
      () => 'it has joined',
      (error: Error) => error.message,
    );
    t.notMatch(said, /\n|0123456789abcdef/, 'one line, and no secret');
    return said;
  }

  t.test('a node whose config is right comes to know the cluster, and asks for more', async (t) => {
    const api = await cluster(t, config);
    t.match(await failure(t, api.port), /this is as far as it goes/);
    t.ok(api.requests.some(({ path }) => path !== CLUSTER_INFO));
  });

  t.test('a token that the cluster does not know, or that has another secret', async (t) => {
    const api = await cluster(t, config);
    for (const token of ['fedcba.0123456789abcdef', 'abcdef.fedcba9876543210']) {
      t.match(
        await failure(t, api.port, { token }),
        /^the cluster does not know the token of this node's config: set cluster\.token to/,
      );
    }
    t.ok(api.requests.every(({ path }) => path === CLUSTER_INFO));
  });

  t.test('an authority that is not that of the cluster', async (t) => {
    const api = await cluster(t, config);
    const { ca } = loadConfig((await generated()).controlplane).config.cluster;
    t.match(
      await failure(t, api.port, { ca }),
      /has a certificate of another CA: set cluster\.ca and cluster\.controlPlane\.endpoint/,
    );
    t.ok(
      api.requests.every(({ path }) => path === CLUSTER_INFO),
      'it gets nothing',
    );
  });

  t.test('nobody at the endpoint', async (t) => {
    const api = await cluster(t, config);
    await api.stop();
    t.match(
      await failure(t, api.port),
      /^the Kubernetes API does not answer: check that cluster\.controlPlane\.endpoint is right/,
    );
  });
}
