/** A pod of a test, without a ReplicaSet over it, on a node that the test names. */
import { withDeadline } from '../../../lib/base/abort.js';
import { type JsonObject, type KubeClient, listAt, textAt, watchList } from '../../../lib/kube/api/index.js';
import { seconds } from '../deadline.js';

/** Where they are. */
export const PODS = '/api/v1/namespaces/default/pods';

const START_MS = seconds(180);

/** What every object of one name begins with. */
export const object = (kind: string, name: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'default', labels: { app: name } },
});

/** @returns its address, once it is ready */
export async function startPod(client: KubeClient, name: string, nodeName: string, spec: object): Promise<string> {
  const pod = { ...object('Pod', name), spec: { nodeName, automountServiceAccountToken: false, ...spec } };
  await client.apply(`${PODS}/${name}`, pod as unknown as JsonObject);
  return await readyPod(client, name);
}

/** Resolves with the address of a pod as soon as it is ready. @throws Error  what was seen until the end */
async function readyPod(client: KubeClient, name: string): Promise<string> {
  const done = new AbortController();
  let address = '';
  let seen = 'nothing';
  const resource = { path: PODS, fieldSelector: `metadata.name=${name}` };
  const select = (each: JsonObject) => each;
  const changed = (pods: readonly JsonObject[]) => {
    const [pod] = pods;
    if (pod === undefined) return;
    seen = JSON.stringify(pod['status']);
    const ready = listAt(pod, 'status', 'conditions').find((condition) => textAt(condition, 'type') === 'Ready');
    if (textAt(ready, 'status') !== 'True') return;
    address = textAt(pod, 'status', 'podIP') ?? '';
    done.abort();
  };
  const options = { client, resource, select, changed, problem: () => {} };
  await withDeadline(START_MS, [done.signal], (ends) => watchList(options, ends)).catch((error: unknown) => {
    if (!done.signal.aborted) throw new Error(`the pod ${name} is not ready: ${seen}`, { cause: error });
  });
  return address;
}
