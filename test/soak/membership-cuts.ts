/**
 * The power goes again and again while a node becomes a member of its cluster, and every boot goes on behind the last phase that was through:
 * `node out/js/test/soak/membership-cuts.js [COUNT]`. First the control plane, from Bootstrap on, then a worker that joins it; both are Ready in the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MINUTE_MS, SECOND_MS } from '../../lib/base/units.js';
import { ConsoleFollower } from '../../lib/cluster/console-log.js';
import { createCluster, DEFAULT_DISK_BYTES, DEFAULT_KUBERNETES_MEMORY_MIB } from '../../lib/cluster/create.js';
import { clustersDir } from '../../lib/cluster/paths.js';
import type { NodeState } from '../../lib/cluster/state.js';
import { API_LISTENING } from '../../lib/cluster/wait-for-api.js';
import { waitForNodes } from '../../lib/cluster/wait-for-nodes.js';
import { testArchitecture } from '../helpers/architecture.js';
import { KUBERNETES_VERSION, kubernetesTestImage } from '../helpers/images.js';
import { TestHome } from '../helpers/node.js';
import { cutPower, machineOf, startAgain } from '../helpers/power-cut.js';

const NAME = 'cuts';
const DEFAULT_COUNT = 8;
/** The first boot behind the API has so long, each one after it longer: however slow the machine is, phases get through in the end. */
const FIRST_MS = 15 * SECOND_MS;
const STEP_MS = 12 * SECOND_MS;
const READY_MS = 30 * MINUTE_MS;

const count = Number(process.argv[2] ?? DEFAULT_COUNT);
await using home = await TestHome.create();
const { environment } = home;
const { kernel, initramfs, rootDisk, rootHash } = await kubernetesTestImage();
const state = await createCluster({
  ...{ name: NAME, arch: testArchitecture, kernel, initramfs, rootDisk, rootHash, environment, workers: 1 },
  ...{ memoryMib: DEFAULT_KUBERNETES_MEMORY_MIB, diskBytes: DEFAULT_DISK_BYTES },
  // Without a probe nothing is waited for, and nobody is told to begin.
  kubernetes: { version: KUBERNETES_VERSION, bootstrap: async () => {} },
});
try {
  const [control, worker] = state.nodes as [NodeState, NodeState];
  const workerMachine = machineOf(worker);
  await cutPower(worker);
  await becomesMember(control, () => home.succeed(['-n', control.endpoint, 'bootstrap'], READY_MS));
  await ready([control]);
  await becomesMember(await startAgain(workerMachine, clustersDir(environment), NAME, worker.name));
  await ready([control, worker]);
} finally {
  await home.succeed(['cluster', 'destroy', '--name', NAME]);
}

/** Cuts its power so many times, each a while after its API was there. @param begin  in its first boot */
async function becomesMember(node: NodeState, begin?: () => Promise<unknown>): Promise<void> {
  const console_ = await ConsoleFollower.open(node.consoleLog);
  try {
    let running = node;
    let after = 0;
    for (let done = 0; done <= count; done++) {
      await console_.waitFor(API_LISTENING, { after });
      if (done === 0) await begin?.();
      if (done === count) return;
      const aliveMs = FIRST_MS + done * STEP_MS;
      await delay(aliveMs);
      const machine = machineOf(running);
      await cutPower(running);
      after = console_.lines.length;
      const last = console_.lines.findLast(({ text }) => /Kubernetes|kubelet|kubeadm/.test(text))?.text ?? 'nothing';
      console.log(
        `${node.name}: cut ${done + 1} of ${count}, ${aliveMs / SECOND_MS} s behind the API; last was: ${last}`,
      );
      running = await startAgain(machine, clustersDir(environment), NAME, node.name);
    }
  } finally {
    await console_.close();
  }
}

async function ready(nodes: readonly NodeState[]): Promise<void> {
  const startedMs = performance.now();
  await waitForNodes({
    kubeconfig: state.kubernetes?.kubeconfig ?? '',
    names: nodes.map(({ name }) => name),
    timeoutMs: READY_MS,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  console.log(
    `${nodes.length} Ready, ${((performance.now() - startedMs) / SECOND_MS).toFixed(1)} s after the last cut`,
  );
}
