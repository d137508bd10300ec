/**
 * Checks of a node that has Kubernetes, which is one with a service `kubelet`. Through the machine API where that suffices; the rest, of control
 * planes, through the Kubernetes API as its administrator.
 */
import { ClientError, MachineService, onlyMessage } from '../../client/index.js';
import { KubeError, NODES, numberAt, textAt } from '../../kube/api/index.js';
import { readinessOf, unreadyNodes } from '../../kube/node-readiness.js';
import { type Check, failed, type Look, NotChecked, type Outcome, ok, skipped } from './check.js';
import type { KubernetesAccess } from './kubernetes-access.js';

/** Namespace of what Kubernetes itself consists of. */
const SYSTEM = 'kube-system';
const API_CHECK = 'kubernetes api';
const STATIC_PODS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const DAEMON_SETS = `/apis/apps/v1/namespaces/${SYSTEM}/daemonsets`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${SYSTEM}/deployments`;

/** @returns none for a node without Kubernetes, and for one that does not say */
export async function kubernetesChecks(look: Look, access: KubernetesAccess): Promise<readonly Check[]> {
  const node = await lookAtServices(look);
  if (node === undefined) return [];
  const kubelet: Check = { name: 'kubelet', judge: async () => judgeService(node.kubelet) };
  if (!node.isControlPlane) return [kubelet];
  return [
    kubelet,
    { name: 'static pods', judge: judgeStaticPods },
    { name: 'etcd', judge: (at) => judgeEtcd(access, at, node.etcd) },
    { name: API_CHECK, judge: () => judgeApi(access) },
    { name: 'nodes', after: API_CHECK, judge: () => judgeNodes(access, node.hostname) },
    { name: 'kube-proxy', after: API_CHECK, judge: () => judgeProxy(access) },
    { name: 'dns', after: API_CHECK, judge: () => judgeDns(access) },
  ];
}

interface ServiceView {
  id: string;
  state: string;
  isHealthy: boolean;
  /** The last that was said of it; may be ''. */
  message: string;
}

interface NodeView {
  kubelet: ServiceView;
  /** Of nodes that have etcd beside Kubernetes and not in a pod, as Talos Linux does. */
  etcd: ServiceView | undefined;
  isControlPlane: boolean;
  hostname: string;
}

async function lookAtServices(look: Look): Promise<NodeView | undefined> {
  try {
    const { services, metadata } = await look.services();
    const views = (services ?? []).map(({ id, state, health, events }): ServiceView => {
      const message = health?.lastMessage || events?.events?.at(-1)?.msg || '';
      const isHealthy = health?.unknown === false && health.healthy === true;
      return { id: id ?? '', state: state ?? '', isHealthy, message };
    });
    const viewOf = (service: string) => views.find(({ id }) => id === service);
    const kubelet = viewOf('kubelet');
    if (!kubelet) return undefined;
    // trustd is on control planes, and nowhere else.
    const isControlPlane = viewOf('trustd') !== undefined;
    return { kubelet, etcd: viewOf('etcd'), isControlPlane, hostname: metadata?.hostname ?? '' };
  } catch (error) {
    // The check of services has said so.
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

function judgeService({ state, isHealthy, message }: ServiceView): Outcome {
  if (state === 'Running' && isHealthy) return ok('healthy');
  const what = state === 'Running' ? 'it runs, and is not healthy' : `it is ${state === '' ? 'unknown' : state}`;
  return failed(message === '' ? what : `${what}: ${message}`);
}

async function judgeStaticPods(look: Look): Promise<Outcome> {
  const running = await runningComponents(look);
  const missing = STATIC_PODS.filter((name) => !running.has(name));
  if (missing.length === 0) return ok(STATIC_PODS.join(', '));
  const [verb, log] = missing.length === 1 ? ['does', 'its log'] : ['do', 'their logs'];
  return failed(`${missing.join(' and ')} ${verb} not run: see ${log} with \`osctl logs -k\``);
}

/** Names of containers of Kubernetes itself that run. */
async function runningComponents({ session, target: { name, node } }: Look): Promise<Set<string>> {
  const request = { namespace: 'k8s.io', driver: 1 };
  const { containers } = onlyMessage(await session.client.unary(MachineService.Containers, request, { node }), name);
  return new Set(
    (containers ?? []).flatMap(({ podId, name: container, status }) => {
      const isOfSystem = podId?.startsWith(`${SYSTEM}/${container}-`) ?? false;
      return isOfSystem && container && /(^|_)RUNNING$/.test(status ?? '') ? [container] : [];
    }),
  );
}

/** That it runs, and that a majority of its members agrees: reading one object takes that. */
async function judgeEtcd(access: KubernetesAccess, look: Look, service: ServiceView | undefined): Promise<Outcome> {
  if (service !== undefined) {
    const outcome = judgeService(service);
    if (outcome.outcome === 'failed') return outcome;
  } else if (!(await runningComponents(look)).has('etcd')) {
    return failed('etcd does not run: see its log with `osctl logs -k`');
  }
  try {
    await access.get(`/api/v1/namespaces/${SYSTEM}`);
    return ok('runs, and is read from');
  } catch (error) {
    if (error instanceof NotChecked) return ok(`runs; ${error.message}`);
    if (!(error instanceof KubeError)) throw error;
    const isAnswer = error.code !== 'ERR_KUBE_UNREACHABLE' && error.code !== 'ERR_KUBE_UNTRUSTED';
    return isAnswer
      ? failed(error.message)
      : skipped('it runs; the Kubernetes API, which reads from it, does not answer');
  }
}

async function judgeApi(access: KubernetesAccess): Promise<Outcome> {
  const version = textAt(await access.get('/version'), 'gitVersion') ?? 'unknown';
  return ok(`answers, version ${version}`);
}

async function judgeNodes(access: KubernetesAccess, hostname: string): Promise<Outcome> {
  const nodes = await access.list(NODES, readinessOf);
  const unready = unreadyNodes(nodes, hostname === '' ? [] : [hostname]);
  if (unready.length > 0) return failed(unready.join('; '));
  return ok(`Ready: ${nodes.map(({ name }) => name).join(', ')}`);
}

async function judgeProxy(access: KubernetesAccess): Promise<Outcome> {
  const set = await access.find(`${DAEMON_SETS}/kube-proxy`);
  if (set === undefined) return skipped('the cluster has none');
  const wanted = numberAt(set, 'status', 'desiredNumberScheduled') ?? 0;
  const ready = numberAt(set, 'status', 'numberReady') ?? 0;
  const text = `is ready on ${ready} of ${wanted} nodes`;
  return wanted > 0 && ready >= wanted ? ok(text) : failed(`${text}: see its pods with \`osctl ps -k\``);
}

async function judgeDns(access: KubernetesAccess): Promise<Outcome> {
  const deployment = await access.find(`${DEPLOYMENTS}/coredns`);
  if (deployment === undefined) return skipped('the cluster has none');
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1;
  const available = numberAt(deployment, 'status', 'availableReplicas') ?? 0;
  if (wanted === 0) return skipped('it is scaled down to nothing');
  const text = `${available} of ${wanted} CoreDNS pods are available`;
  return available >= wanted ? ok(text) : failed(`${text}: see them with \`osctl ps -k\``);
}
