/**
 * Pods for a node that goes down: one that is made anew when it is gone, and one of nobody. What runs in them is `etcd gateway`, which waits for connections: etcd
 * is the one program of the release's own images that runs without others.
 */
import { withDeadline } from '../../../lib/base/abort.js';
import { type JsonObject, type KubeClient, listAt, textAt, watchList } from '../../../lib/kube/api/index.js';
import { seconds } from '../deadline.js';

const NAMESPACE = 'default';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const READY_MS = seconds(180);
const PORT = 23_790;

/** Uids. */
export interface DrainedPods {
  replica: string;
  alone: string;
}

/** Resolves when both run on the node. @param image  of etcd */
export async function startPods(client: KubeClient, nodeName: string, image: string): Promise<DrainedPods> {
  const words = ['gateway', 'start', '--endpoints=127.0.0.1:1', `--listen-addr=0.0.0.0:${PORT}`];
  const container = {
    ...{ name: 'gateway', image, imagePullPolicy: 'Never', command: ['/usr/local/bin/etcd', ...words] },
    readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 2 },
  };
  const spec = {
    containers: [container],
    automountServiceAccountToken: false,
    // A control plane takes no others; one that takes no pods at all is not tolerated.
    tolerations: [{ key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' }],
  };
  const metadata = (name: string) => ({ name, namespace: NAMESPACE, labels: { app: name } });
  await client.apply(`/apis/apps/v1/namespaces/${NAMESPACE}/replicasets/replica`, {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: metadata('replica') },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'replica' } },
      template: { metadata: { labels: { app: 'replica' } }, spec },
    },
  });
  await client.apply(`${PODS}/alone`, {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('alone') },
    spec: { nodeName, ...spec },
  });
  return await readyPods(client);
}

/**
 * Resolves when both are ready.
 * @param before  those that were there: another replica is waited for
 * @throws Error  what was seen until the end
 */
export async function readyPods(client: KubeClient, before?: DrainedPods): Promise<DrainedPods> {
  const done = new AbortController();
  let found: Partial<DrainedPods> = {};
  let seen = 'nothing';
  const changed = (pods: readonly JsonObject[]) => {
    seen = JSON.stringify(pods.map(({ metadata, status }) => ({ metadata, status })));
    const uidOf = (app: string) => {
      const ready = pods.filter((pod) => textAt(pod, 'metadata', 'labels', 'app') === app && isReady(pod));
      return ready.map((pod) => textAt(pod, 'metadata', 'uid')).find((uid) => uid !== before?.replica);
    };
    const [replica, alone] = [uidOf('replica'), uidOf('alone')];
    if (replica === undefined || alone === undefined) return;
    found = { replica, alone };
    done.abort();
  };
  const options = { client, resource: { path: PODS }, select: (pod: JsonObject) => pod, changed, problem: () => {} };
  await withDeadline(READY_MS, [done.signal], (ends) => watchList(options, ends)).catch((error: unknown) => {
    if (!done.signal.aborted) throw new Error(`the pods are not ready: ${seen}`, { cause: error });
  });
  return found as DrainedPods;
}

function isReady(pod: JsonObject): boolean {
  const isEnding = textAt(pod, 'metadata', 'deletionTimestamp') !== undefined;
  const ready = listAt(pod, 'status', 'conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  return !isEnding && textAt(ready, 'status') === 'True';
}
