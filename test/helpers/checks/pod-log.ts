/** The log of a pod that writes fast, followed over the machine API: complete, in order, once. */
import type { Test } from 'tap';
import type { NodeState } from '../../../lib/cluster/state.js';
import type { KubeClient } from '../../../lib/kube/api/index.js';
import { seconds } from '../deadline.js';
import type { TestHome } from '../node.js';
import { areConsecutive, numbersOf } from './logs.js';
import { startPod } from './start-pod.js';

/** At once, and then a second: more than the 10 MiB after which the kubelet begins another file. */
const [BURST, RATE] = [75_000, 500];
const LINES = BURST + 10 * RATE;
/** The test layer's programs: they need nothing of the image that they run in. */
const FOLDER = '/usr/lib/talos-test';
const READ_MS = seconds(300);

/**
 * @param image  any that is on the node
 * @param node  where the pod is to run
 */
export async function followsPodLog(
  t: Test,
  { home, client, image, node }: { home: TestHome; client: KubeClient; image: string; node: NodeState },
): Promise<void> {
  await startPod(client, 'chatty', node.name, {
    containers: [
      {
        ...{ name: 'chatty', image, imagePullPolicy: 'Never' },
        command: [`${FOLDER}/chatty`, String(RATE), String(BURST)],
        volumeMounts: [{ name: 'programs', mountPath: FOLDER, readOnly: true }],
      },
    ],
    volumes: [{ name: 'programs', hostPath: { path: FOLDER, type: 'Directory' } }],
  });
  const stream = home.stream('-n', node.endpoint, 'logs', '-k', '-f', 'default/chatty:chatty');
  t.teardown(() => stream.stop());
  const lines = await stream.until(READ_MS, `${LINES} lines`, (all) => all.length >= LINES);
  const numbers = numbersOf(lines);
  t.equal(numbers[0], 1, 'from the first line on');
  t.ok(areConsecutive(numbers), `none of ${numbers.length} lost, doubled or reordered`);
}
