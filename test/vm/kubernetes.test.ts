/**
 * One control plane with real kubeadm, kubelet and etcd, from Bootstrap to a Ready node: what is refused, what is there, and what becomes of it when the kubelet is
 * started again, when the node is, and when its power is cut.
 */

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { withDeadline } from '../../lib/base/abort.js';
import {
  isTrueAt,
  type JsonObject,
  KubeClient,
  NODES,
  parseKubeconfig,
  textAt,
  watchList,
} from '../../lib/kube/api/index.js';
import { type NodeReadiness, readinessOf } from '../../lib/kube/node-readiness.js';
import { type DrainedPods, readyPods, startPods } from '../helpers/checks/drained-pods.js';
import { manifestsAreApplied } from '../helpers/checks/manifests.js';
import { controlPlaneIsRemade } from '../helpers/checks/remade-control-plane.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(1200));

/** From Bootstrap, or from a boot, to Ready: an emulated control plane takes two minutes on idle processors. */
const READY_MS = seconds(600);
const PATIENCE_MS = seconds(120);
/** Without them there is no answer. */
const SERVERS = ['etcd', 'kube-apiserver'];
const STATIC_PODS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

interface ServiceRow {
  state: string;
  health: string;
  lastMessage: string;
}
interface ContainerRow {
  id: string;
  image: string;
  status: string;
}

t.test('a control plane', async (t) => {
  const { node, kubeconfig } = await TestNode.createWithKubernetes({ name: 'kubernetes' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const name = node.state.name;
  const client = new KubeClient({
    access: parseKubeconfig(await readFile(kubeconfig, 'utf8')),
    deadlineMs: PATIENCE_MS,
  });
  t.teardown(() => client.close());
  const kubelet = () => home.json<ServiceRow>('service', 'kubelet');
  let boot = '';
  /** When the node's membership was written down the last time: what is in the folder is not read over the API. */
  const journal = async () => {
    const [file] = await home.json<{ modified: string }[]>('ls', '/var/lib/kubernetes/journal.json');
    return file?.modified;
  };

  /**
   * Resolves when the kubelet has said so in its current boot.
   * @param lastBoot  id of a boot that does not count any more: what it has said is still in etcd
   * @returns id of the boot
   */
  async function ready(lastBoot = ''): Promise<string> {
    const done = new AbortController();
    let bootId = '';
    let missing = 'its API has not answered';
    const select = (object: JsonObject) => {
      const readiness = readinessOf(object);
      return readiness && { ...readiness, bootId: textAt(object, 'status', 'nodeInfo', 'bootID') ?? '' };
    };
    const changed = (nodes: readonly (NodeReadiness & { bootId: string })[]) => {
      const own = nodes.find((each) => each.name === name);
      missing =
        own === undefined ? 'there is no Node' : own.bootId === lastBoot ? 'it is that of the last boot' : own.why;
      if (own?.isReady !== true || own.bootId === lastBoot) return;
      bootId = own.bootId;
      done.abort();
    };
    const problem = (text: string) => {
      if (text !== '') missing = text;
    };
    const pause = (ms: number, signal: AbortSignal) => sleep(Math.min(ms, 2000), undefined, { signal });
    const options = { client, resource: NODES, select, changed, problem, pause };
    await withDeadline(READY_MS, [done.signal], (ends) => watchList(options, ends)).catch((error: unknown) => {
      if (bootId === '') throw new Error(`${name} is not Ready: ${missing}`, { cause: error });
    });
    return bootId;
  }

  await t.test('nothing is begun by itself, and Bootstrap begins it once', async (t) => {
    const start = await home.osctl(['service', 'kubelet', 'start']);
    t.match(start.stderr, /is started by itself once it is known what it is to do/);
    t.match((await kubelet()).state, /Waiting/);
    const early = await home.osctl(['etcd', 'status']);
    t.match([early.code, early.stderr], [1, /FAILED_PRECONDITION: etcd of this node has not been set up/]);
    await home.succeed(['bootstrap'], PATIENCE_MS);
    const again = await home.osctl(['bootstrap'], PATIENCE_MS);
    t.equal(again.code, 1);
    t.match(again.stderr, /ALREADY_EXISTS: this node is becoming the first control plane already/);
    t.type(await journal(), 'string');
  });

  await t.test('it becomes Ready, with its own control plane', async (t) => {
    boot = await ready();
    await node.waitForConsole(/Kubernetes v1\.20\.2: this node is the first control plane/, { timeoutMs: READY_MS });
    const rows = await home.json<ContainerRow[]>('ps', '-k');
    for (const pod of STATIC_PODS) {
      const runs = rows.filter(({ id }) => id.startsWith(`kube-system/${pod}-${name}:${pod}:`));
      // The two others end by themselves where they could not renew a lease in time, and are started again: at this moment there may be none.
      const isUp = SERVERS.includes(pod) ? runs.some(({ status }) => status === 'RUNNING') : runs.length > 0;
      t.ok(isUp, pod);
    }
    t.match(rows[0], { id: 'kubelet', image: 'kubelet:v1.20.2', status: 'RUNNING' });
    const used = await home.json<{ id: string; memoryUsage: number }[]>('stats', '-k');
    t.ok((used.find(({ id }) => id === 'kubelet')?.memoryUsage ?? 0) > 0, 'what the kubelet takes is known');
    t.match((await home.succeed(['logs', '-k', 'kubelet', '--tail', '5'])).stdout, /./);
    t.match(await kubelet(), { state: 'Running', health: 'OK', lastMessage: 'the kubelet is healthy' });
    const again = await home.osctl(['bootstrap'], PATIENCE_MS);
    t.match(again.stderr, /is a member of its cluster already/);
  });

  await t.test('etcd tells its members and how it fares', async (t) => {
    const members = await home.json<{ id: string }[]>('etcd', 'members');
    const urls = { peerUrls: [/^https:\/\/.*:2380$/], clientUrls: [/^https:\/\/.*:2379$/] };
    t.match(members, [{ id: /^[0-9a-f]{16}$/, hostname: name, ...urls, isLearner: false }]);
    t.equal(members.length, 1);
    t.same(await home.json('etcd', 'members', '--local'), members);
    const [status] = await home.json<{ dbSizeBytes: number; raftAppliedIndex: number }[]>('etcd', 'status');
    const id = members[0]?.id;
    t.match(status, { member: id, leader: id, protocolVersion: /^3\.4\./, isLearner: false, errors: [] });
    t.ok((status?.dbSizeBytes ?? 0) > 0 && (status?.raftAppliedIndex ?? 0) > 0);
    const key = '/etc/kubernetes/pki/etcd/healthcheck-client.key';
    t.match((await home.osctl(['read', key])).stderr, /there are keys in it/);
  });

  await t.test('keys are for root only, and no token is in the log', async (t) => {
    const listed = await home.json<{ name: string; mode: string }[]>('ls', '-l', '/etc/kubernetes/pki');
    for (const { name: file, mode } of listed.filter((entry) => entry.name.endsWith('.key'))) {
      t.match(mode, /^-rw-------$/, file);
    }
    for (const path of [
      '/etc/kubernetes/pki/ca.key',
      '/var/lib/kubernetes/admin.conf',
      '/system/kubernetes/kubeadm.yaml',
    ]) {
      t.match((await home.osctl(['read', path])).stderr, /there are keys in it/, path);
    }
    const log = (await home.succeed(['logs', 'machined'])).stdout;
    t.match(log, /kubeadm: \[certs\]/);
    t.notMatch(log, /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/);
  });

  await t.test('manifests of the config, without a reboot', async (t) => {
    const { home, state } = node;
    await manifestsAreApplied(t, { home, control: state, client });
  });

  await t.test('a kubelet that is started again finds its pods, and the node stays Ready', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['restart', '-k', 'kubelet']);
    await node.waitForConsole(/service kubelet: Started with process id/, { after: mark, timeoutMs: PATIENCE_MS });
    await ready();
    const rows = await home.json<ContainerRow[]>('ps', '-k');
    t.ok(
      rows.some(({ id, status }) => id.includes(':etcd:') && status === 'RUNNING'),
      'its pods went on',
    );
  });

  let pods: DrainedPods;
  await t.test('a member is a member after a restart in order', async (t) => {
    const [image = ''] = (await home.json<ContainerRow[]>('ps', '-k'))
      .filter(({ id }) => id.includes(':etcd:'))
      .map((row) => row.image);
    pods = await startPods(client, name, image);
    const before = await journal();
    const mark = node.consoleMark;
    await home.succeed(['reboot'], READY_MS);
    const down = node.console.lines.slice(mark).map(({ text }) => text);
    const at = (pattern: RegExp) => down.findIndex((text) => pattern.test(text));
    t.ok(at(/1 of 1 pods were moved away in /) > 0, 'the one that is made anew');
    const drained = at(/exit: drain done/);
    t.ok(drained > 0 && drained < at(/service kubelet: Stopped/), 'while the kubelet ran');
    t.ok(at(/exit: stop containers done/) > 0, 'pods ended in time');
    t.ok(at(/service kubelet: Stopped/) < at(/exit: stop containers done/), 'the kubelet before them');
    t.strictSame(
      down.filter((text) => /are left after SIGTERM|still mounted/.test(text)),
      [],
    );
    boot = await ready(boot);
    // Another replica runs: pods are put on the node again.
    const now = await readyPods(client, pods);
    t.equal(now.alone, pods.alone, 'one of nobody went down with the node, and came up with it');
    pods = now;
    t.notOk(isTrueAt(await client.get(`${NODES.path}/${name}`), 'spec', 'unschedulable'));
    t.equal(await journal(), before);
    const log = (await home.succeed(['logs', 'machined'])).stdout;
    t.match(log, /images of Kubernetes v1\.20\.2: 0 imported/);
    t.notMatch(log, /kubeadm: /, 'and kubeadm was not asked');
  });

  await t.test('and after its power was cut', async (t) => {
    const mark = await node.cutPower();
    await node.waitForApi(mark);
    boot = await ready(boot);
    t.match(await kubelet(), { state: 'Running' });
  });

  await t.test('what the config says of its servers is so with the next boot', async (t) => {
    const server = parseKubeconfig(await readFile(kubeconfig, 'utf8'));
    const again = async () => {
      boot = await ready(boot);
    };
    await controlPlaneIsRemade(t, { node, server, ready: again });
  });

  await t.test('a reset takes it out of its cluster and wipes what it had: it can begin anew', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['reset', '--reboot', '--yes'], READY_MS);
    await node.waitForConsole(/2 of 2 pods were moved away in /, { after: mark });
    await node.waitForConsole(/exit: wipe disks done/, { after: mark });
    await home.succeed(['bootstrap'], PATIENCE_MS);
    t.match((await home.succeed(['logs', 'machined'])).stdout, /has made this node the first control plane/);
  });
});
