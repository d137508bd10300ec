/** A control plane and a worker as `osctl cluster create --kubernetes` makes them: Ready, well, reached from here, and gone without a trace. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { clustersDir } from '../../lib/cluster/paths.js';
import { isRunning, type ProcessIdentity } from '../../lib/cluster/process-identity.js';
import { type NodeState, readState } from '../../lib/cluster/state.js';
import { KubeClient, NODES, parseKubeconfig } from '../../lib/kube/api/index.js';
import { readinessOf } from '../../lib/kube/node-readiness.js';
import { keepsCisRows } from '../helpers/checks/cis-files.js';
import { followsPodLog } from '../helpers/checks/pod-log.js';
import { podTraffic } from '../helpers/checks/pod-traffic.js';
import { seconds } from '../helpers/deadline.js';
import { KUBERNETES_VERSION } from '../helpers/images.js';
import { TestHome } from '../helpers/node.js';

t.setTimeout(seconds(1500));

const NAME = 'kube';
const CREATE_MS = seconds(1200);
const PATIENCE_MS = seconds(180);

interface ContainerRow {
  id: string;
  image: string;
}
interface HealthRow {
  node: string;
  check: string;
  outcome: string;
  details: string;
}

t.test('a cluster of two nodes', async (t) => {
  const home = await TestHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  t.teardown(() => home.osctl(['cluster', 'destroy', '--name', NAME], PATIENCE_MS));
  const words = ['cluster', 'create', '--name', NAME, '--layer', 'test', '--kubernetes', KUBERNETES_VERSION];
  const made = await home.succeed([...words, '--workers', '1', '--wait-timeout', '15m'], CREATE_MS);
  t.match(made.stdout, /Kubernetes v\S+ at https:\/\/127\.0\.0\.1:\d+: 2 nodes Ready after /);
  t.match(made.stderr, /waiting for nodes, \d of 2 are Ready: /);
  const state = await readState(clustersDir(home.environment), NAME);
  const [control, worker] = (state?.nodes ?? []) as [NodeState, NodeState];
  const { endpoint = '', kubeconfig = '', readyMs = 0 } = state?.kubernetes ?? {};
  t.comment(`Ready ${readyMs} ms after QEMU of the control plane was started`);

  await t.test('both nodes are Ready, with the addresses of their own network', async (t) => {
    const client = new KubeClient({ access: parseKubeconfig(await readFile(kubeconfig, 'utf8')) });
    t.teardown(() => client.close());
    const { items } = await client.list(NODES, { select: readinessOf });
    t.same(items.map(({ name, isReady }) => [name, isReady]).sort(), [
      [control.name, true],
      [worker.name, true],
    ]);
    for (const { name, address } of [control, worker]) {
      const node = await client.get(`${NODES.path}/${name}`);
      t.match(node, { status: { addresses: [{ type: 'InternalIP', address }] } });
    }
  });

  await t.test('all is well', async (t) => {
    const rows = await home.json<HealthRow[]>('-n', `${control.endpoint},${worker.endpoint}`, 'health');
    const outcomeOf = (node: NodeState, check: string) =>
      rows.find((row) => row.node === node.endpoint && row.check === check)?.outcome;
    for (const check of ['kubelet', 'static pods', 'etcd', 'kubernetes api', 'nodes', 'kube-proxy']) {
      t.equal(outcomeOf(control, check), 'ok', check);
    }
    t.equal(outcomeOf(control, 'dns'), 'skipped', 'Debian has no CoreDNS');
    t.equal(outcomeOf(worker, 'kubelet'), 'ok');
  });

  await t.test('files and kernel are as the CIS benchmark wants them', async (t) => {
    await keepsCisRows(t, { home, node: control, isServer: true });
    await keepsCisRows(t, { home, node: worker, isServer: false });
  });

  await t.test('pods of different nodes reach each other, by address and through a service', async (t) => {
    const client = new KubeClient({
      access: parseKubeconfig(await readFile(kubeconfig, 'utf8')),
      deadlineMs: PATIENCE_MS,
    });
    t.teardown(() => client.close());
    const [image = ''] = (await home.json<ContainerRow[]>('-n', control.endpoint, 'ps', '-k'))
      .filter(({ id }) => id.includes(':etcd:'))
      .map((row) => row.image);
    const traffic = await podTraffic(client, image, { store: worker.name, gateway: control.name });
    await traffic.answersByAddress();
    await traffic.answersByService();
    const log = await home.succeed(['-n', worker.endpoint, 'logs', '-k', 'default/store:store']);
    t.match(log.stdout, /ready to serve client requests/);
    await followsPodLog(t, { home, client, image, node: worker });

    await home.succeed(['-n', worker.endpoint, 'reboot'], CREATE_MS);
    // Its pods are started again, with other addresses perhaps: the service is what stays.
    await traffic.answersByService();
  });

  await t.test('nothing of network plugins can be written, as the network is ours', async (t) => {
    const mounts = (await home.succeed(['-n', control.endpoint, 'read', '/proc/1/mounts'])).stdout;
    t.match(mounts, /^\S+ \/opt\/cni\/bin squashfs ro,nosuid,nodev/m);
    t.match(mounts, /^\S+ \/etc\/cni tmpfs ro,/m);
  });

  await t.test('it begins once, and not on a worker', async (t) => {
    const again = await home.osctl(['-n', control.endpoint, 'bootstrap']);
    t.match([again.code, again.stderr], [1, /ALREADY_EXISTS: /]);
    const other = await home.osctl(['-n', worker.endpoint, 'bootstrap']);
    t.match([other.code, other.stderr], [1, /FAILED_PRECONDITION: this node is a worker/]);
  });

  await t.test('nothing is left of it', async (t) => {
    const own = join(home.folder, '.kube', 'config');
    await home.succeed(['kubeconfig'], PATIENCE_MS);
    t.match(parse(await readFile(own, 'utf8')), { clusters: [{ cluster: { server: endpoint } }] });
    const processes = [control.process, worker.process, state?.frameSwitch as ProcessIdentity];
    for (const each of processes) t.ok(isRunning(each));
    await home.succeed(['cluster', 'destroy', '--name', NAME], PATIENCE_MS);
    for (const each of processes) t.notOk(isRunning(each));
    await t.rejects(stat(kubeconfig), { code: 'ENOENT' });
    t.match(parse(await readFile(own, 'utf8')), { clusters: [], users: [], contexts: [] });
  });
});
