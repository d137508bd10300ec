/**
 * Three control planes, of which one is lost: `node out/js/test/soak/control-planes.js`. All three are Ready and members of etcd; without one of them the
 * Kubernetes API takes what is written; it is taken out of etcd, and the two that are left go on.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../lib/base/errors.js';
import { MINUTE_MS } from '../../lib/base/units.js';
import { clustersDir } from '../../lib/cluster/paths.js';
import { type NodeState, readState } from '../../lib/cluster/state.js';
import { KubeClient, parseKubeconfig } from '../../lib/kube/api/index.js';
import { KUBERNETES_VERSION } from '../helpers/images.js';
import { TestHome } from '../helpers/node.js';
import { cutPower } from '../helpers/power-cut.js';

const NAME = 'three';
const CREATE_MS = 45 * MINUTE_MS;
/** Emulated, the two that are left take a while to agree on who leads. */
const WRITTEN_MS = 5 * MINUTE_MS;
const AGAIN_MS = 2000;

interface Member {
  id: string;
  hostname: string;
}

await using home = await TestHome.create();
let client: KubeClient | undefined;
try {
  const words = ['cluster', 'create', '--name', NAME, '--controlplanes', '3', '--kubernetes', KUBERNETES_VERSION];
  const startedMs = performance.now();
  await home.succeed([...words, '--wait-timeout', '40m'], CREATE_MS);
  console.log(`three control planes are Ready after ${seconds(startedMs)} s`);
  const state = await readState(clustersDir(home.environment), NAME);
  const [first, second, third] = (state?.nodes ?? []) as [NodeState, NodeState, NodeState];
  const kubeconfig = await readFile(state?.kubernetes?.kubeconfig ?? '', 'utf8');
  client = new KubeClient({ access: parseKubeconfig(kubeconfig) });
  const names = [first, second, third].map(({ name }) => name);
  for (const node of [first, second, third]) expectMembers(await membersOf(node), names, node.name);

  await cutPower(third);
  await written(client, 'after-the-loss');
  const lost = (await membersOf(first)).find(({ hostname }) => hostname === third.name);
  await home.succeed(['-n', first.endpoint, 'etcd', 'remove-member', lost?.id ?? '']);
  for (const node of [first, second]) expectMembers(await membersOf(node), names.slice(0, 2), node.name);
  await written(client, 'after-the-removal');
  console.log('one is lost and taken out, and the two others go on');
} finally {
  client?.close();
  await home.succeed(['cluster', 'destroy', '--name', NAME]);
}

function seconds(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}

/** Members of etcd as a node knows them. */
function membersOf({ endpoint }: NodeState): Promise<Member[]> {
  return home.json<Member[]>('-n', endpoint, 'etcd', 'members');
}

function expectMembers(members: readonly Member[], names: readonly string[], by: string): void {
  const found = members.map(({ hostname }) => hostname).sort();
  if (found.join() !== [...names].sort().join()) throw new Error(`${by} knows the members ${found.join(', ')}`);
}

/** Writes an object, again and again until the API takes it. @throws Error  with its last answer */
async function written(client: KubeClient, name: string): Promise<void> {
  const startedMs = performance.now();
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { by: name } };
  for (;;) {
    try {
      await client.apply(`/api/v1/namespaces/default/configmaps/${name}`, object);
      console.log(`written ${name}: ${seconds(startedMs)} s`);
      return;
    } catch (error) {
      if (performance.now() - startedMs > WRITTEN_MS)
        throw new Error(`${name}: ${errorMessage(error)}`, { cause: error });
      await delay(AGAIN_MS);
    }
  }
}
