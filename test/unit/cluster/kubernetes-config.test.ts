/** The machine configs of a local cluster are ones that Kubernetes can begin with, by the same code that a node has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { makeIdentity, type NodeRole } from '../../../lib/cluster/identity.js';
import { problemsOf } from '../../../lib/kube/checks.js';
import { renderInit } from '../../../lib/kube/kubeadm/init.js';
import { renderJoin } from '../../../lib/kube/kubeadm/join.js';
import { findRelease, parseReleases, RELEASES_FILE } from '../../../lib/kube/release.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { checkout } from '../../helpers/checkout.js';

const release = findRelease(parseReleases(readFileSync(join(checkout, RELEASES_FILE), 'utf8')), 'v1.20.2');
const MEMORY_BYTES = 2000 * 1024 ** 2;

interface KubeadmDocument {
  kind: string;
  localAPIEndpoint: { advertiseAddress: string };
  controlPlaneEndpoint: string;
  apiServer: { certSANs: string[] };
  controllerManager: { extraArgs: Record<string, string> };
  scheduler: { extraArgs: Record<string, string> };
  discovery: { bootstrapToken: { apiServerEndpoint: string; token: string; caCertHashes: string[] } };
}

/** As the node has it. @param addresses  of its interfaces, in the kernel's order */
function inputOf(t: Test, text: string, addresses: string[]) {
  const { config, hostname = '', warnings } = loadConfig(text);
  const facts = { hostname, addresses, memoryBytes: MEMORY_BYTES, nowMs: Date.now() };
  t.same(warnings, [], 'a node acts on all of it');
  t.same(problemsOf(config, release, facts), [], `${hostname} may begin`);
  return { config, release, facts };
}

function documentOf(text: string, kind: string): KubeadmDocument {
  const found = parseAllDocuments(text).map((document) => document.toJS() as KubeadmDocument);
  return found.find((document) => document.kind === kind) as KubeadmDocument;
}

const node = (kind: 'controlplane' | 'worker', place: number): NodeRole => ({
  ...{ name: `c-${kind}-${place}`, kind, endpoint: `127.0.0.1:${50000 + place}`, address: `10.5.0.${2 + place}` },
  lan: { place },
});
const kubernetes = { endpoint: 'https://127.0.0.1:6450' };

t.test('several nodes: the network that they share', async (t) => {
  const nodes = [node('controlplane', 0), node('worker', 1)] as const;
  const { machineConfigs } = await makeIdentity({ clusterName: 'c', nodes: [...nodes], kubernetes });
  const [control = '', worker = ''] = machineConfigs;
  // The first card of each is in a network of its own, with the same address.
  const first = renderInit(inputOf(t, control, ['10.0.2.15/24', '10.5.0.2/24']));
  t.equal(documentOf(first, 'InitConfiguration').localAPIEndpoint.advertiseAddress, '10.5.0.2');
  const cluster = documentOf(first, 'ClusterConfiguration');
  t.equal(cluster.controlPlaneEndpoint, '10.5.0.2:6443');
  t.ok(cluster.apiServer.certSANs.includes('127.0.0.1'), 'the forwarded port');

  const input = inputOf(t, worker, ['10.0.2.15/24', '10.5.0.3/24']);
  const { bootstrapToken } = documentOf(renderJoin(input), 'JoinConfiguration').discovery;
  t.equal(bootstrapToken.apiServerEndpoint, '10.5.0.2:6443');
  t.equal(bootstrapToken.token, loadConfig(control).config.cluster.token);
  t.equal(bootstrapToken.caCertHashes.length, 1);
});

t.test('one node', async (t) => {
  const alone = { ...node('controlplane', 0), address: '10.0.2.15', lan: undefined };
  const { machineConfigs } = await makeIdentity({ clusterName: 'c', nodes: [alone], kubernetes });
  const text = renderInit(inputOf(t, machineConfigs[0] ?? '', ['10.0.2.15/24']));
  t.equal(documentOf(text, 'InitConfiguration').localAPIEndpoint.advertiseAddress, '10.0.2.15');
  t.equal(documentOf(text, 'ClusterConfiguration').controlPlaneEndpoint, '10.0.2.15:6443');
});

t.test('one that pulls images asks a name server', async (t) => {
  const nodes = [node('controlplane', 0)] as const;
  const online = { ...kubernetes, pullsImages: true };
  const { machineConfigs } = await makeIdentity({ clusterName: 'c', nodes: [...nodes], kubernetes: online });
  const { config, network } = loadConfig(machineConfigs[0] ?? '');
  t.same(network.nameservers, ['10.0.2.3']);
  t.equal(config.machine.type, 'controlplane');
});

t.test('emulated nodes: an election does not end because a server is slow', async (t) => {
  const flagsOf = async (nodes: [NodeRole, ...NodeRole[]], isEmulated: boolean) => {
    const { machineConfigs } = await makeIdentity({ clusterName: 'c', nodes, kubernetes, isEmulated });
    const text = renderInit(inputOf(t, machineConfigs[0] ?? '', ['10.0.2.15/24', '10.5.0.2/24']));
    const cluster = documentOf(text, 'ClusterConfiguration');
    t.strictSame(cluster.scheduler.extraArgs['leader-elect'], cluster.controllerManager.extraArgs['leader-elect']);
    return cluster.controllerManager.extraArgs;
  };
  t.match(await flagsOf([node('controlplane', 0), node('worker', 1)], true), { 'leader-elect': 'false' });
  t.notHas(await flagsOf([node('controlplane', 0), node('worker', 1)], false), { 'leader-elect': String });
  const several = await flagsOf([node('controlplane', 0), node('controlplane', 1)], true);
  t.match(several, { 'leader-elect-renew-deadline': '45s' });
  t.notHas(several, { 'leader-elect': String });
});
