/**
 * How long does a node take from the start of QEMU until Kubernetes calls it Ready, as a cluster of one control plane?
 *
 * Each sample is a fresh cluster of the shipped image with Kubernetes, made and destroyed by osctl in a home folder of its own. The end of the time is
 * the moment at which the Kubernetes API, watched from here, says Ready. Beside the wall-clock time stands the CPU time of QEMU.
 *
 * Rival: Debian trixie with systemd and containerd in the same machine (lib/kubernetes-rival.ts): the same kubelet, kubeadm, archives of images and
 * kubeadm's configuration; the two boot in turn.
 * What would change our mind about the design: a median above six tenths of the rival's.
 *
 * Beside the JSON lies a chart of the phases, ready.svg: the medians of each.
 *
 * Usage: npm run bench -- ready [--samples N] [--without-rival]
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseHardware } from '../lib/cluster/hardware.js';
import { clustersDir } from '../lib/cluster/paths.js';
import { readState } from '../lib/cluster/state.js';
import { KUBERNETES_VERSION } from '../test/helpers/images.js';
import { TestHome } from '../test/helpers/node.js';
import { countOf } from './lib/count-of.js';
import { cpuSeconds } from './lib/cpu-seconds.js';
import { bootKubernetesRival, kubernetesRival, type ReadySample } from './lib/kubernetes-rival.js';
import { phaseChart } from './lib/phase-chart.js';
import { readyTimeline, type TimelineStep } from './lib/ready-timeline.js';
import { type Measurement, publish } from './lib/report.js';
import type { RivalMachine } from './lib/rival-machine.js';
import { summarise } from './lib/statistics.js';

const clusterName = 'bench-ready';
const CREATE_MS = 1_500_000;

/** Of the rival's time, at most. */
const BUDGET = 0.6;

interface Sample {
  readonly apiReady: number;
  readonly ready: number;
  readonly steps: readonly TimelineStep[];
  readonly cpuSeconds: number;
  readonly machine: RivalMachine;
}

async function makeCluster(home: TestHome): Promise<Sample> {
  try {
    await home.succeed(['cluster', 'create', '--name', clusterName, '--kubernetes', KUBERNETES_VERSION], CREATE_MS);
    const state = await readState(clustersDir(home.environment), clusterName);
    const node = state?.nodes[0];
    const readyMs = state?.kubernetes?.readyMs;
    if (!state || !node || readyMs === undefined) throw new Error('the cluster has no node that became Ready');
    const used = cpuSeconds(node.process.pid);
    const configAtMs = node.phases?.find(({ name }) => name === 'config')?.atMs;
    if (configAtMs === undefined || node.apiReadyMs === undefined) throw new Error('the boot has no phases');
    // The rest of kubeadm's phases may come after the node is Ready.
    await home.succeed(['health', '--wait-timeout', '5m'], CREATE_MS);
    const log = await home.succeed(['logs', 'machined']);
    const { cpus, memoryMib, disk, network } = node;
    const hardware = chooseHardware({ arch: state.arch, machine: state.machine, disk, network });
    return {
      apiReady: node.apiReadyMs / 1000,
      ready: readyMs / 1000,
      steps: readyTimeline(log.stdout, configAtMs),
      cpuSeconds: used,
      machine: { ...hardware, accelerator: state.accelerator, cpus, memoryMib },
    };
  } finally {
    await home.succeed(['cluster', 'destroy', '--name', clusterName]);
  }
}

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '3' }, 'without-rival': { type: 'boolean', default: false } },
});
const count = countOf('samples', values.samples);

await using home = await TestHome.create();
const tell = (text: string) => void process.stderr.write(`${text}\n`);
const rival = values['without-rival'] ? undefined : await kubernetesRival(KUBERNETES_VERSION, tell);
const ours: Sample[] = [];
const theirs: ReadySample[] = [];
for (let done = 0; done < count; done++) {
  const sample = await makeCluster(home);
  ours.push(sample);
  tell(`${done + 1}/${count}: Ready after ${sample.ready.toFixed(1)} s`);
  for (const { name, from, until } of sample.steps) tell(`  ${name}: ${from.toFixed(1)} to ${until.toFixed(1)} s`);
  if (rival === undefined) continue;
  const other = await bootKubernetesRival(rival, sample.machine);
  theirs.push(other);
  tell(`${done + 1}/${count}: the rival ${JSON.stringify(other)}`);
}

/** One measurement a step, of those that every sample has: how long it took. */
function stepMeasurements(): Measurement[] {
  const names = ours[0]?.steps.map(({ name }) => name) ?? [];
  return names
    .map((name) => {
      const found = ours.flatMap(({ steps }) => steps.find((step) => step.name === name) ?? []);
      return { name: `step ${name}`, unit: 's', samples: found.map(({ from, until }) => until - from) };
    })
    .filter(({ samples }) => samples.length === ours.length);
}

const hasRival = theirs.length > 0;
const file = await publish({
  benchmark: 'ready',
  question: 'seconds from the start of QEMU until the node of a new cluster is Ready',
  parameters: {
    image: 'shipped, with Kubernetes',
    kubernetes: KUBERNETES_VERSION,
    machine: ours[0]?.machine.machine ?? '',
    accelerator: ours[0]?.machine.accelerator ?? '',
    cpus: ours[0]?.machine.cpus ?? 0,
    memoryMiB: ours[0]?.machine.memoryMib ?? 0,
    samples: count,
    rival: 'Debian trixie: systemd, containerd, the same kubelet, kubeadm, images and configuration',
  },
  measurements: [
    { name: 'Ready', unit: 's', samples: ours.map(({ ready }) => ready) },
    { name: 'CPU time of QEMU until then', unit: 's', samples: ours.map((sample) => sample.cpuSeconds) },
    { name: 'API ready', unit: 's', samples: ours.map(({ apiReady }) => apiReady) },
    ...stepMeasurements(),
    ...(hasRival
      ? [
          { name: 'rival Ready', unit: 's', samples: theirs.map(({ ready }) => ready) },
          { name: 'CPU time of the rival', unit: 's', samples: theirs.map((sample) => sample.cpuSeconds) },
          { name: 'rival until containerd', unit: 's', samples: theirs.map(({ containerd }) => containerd) },
          { name: 'rival step images', unit: 's', samples: theirs.map((each) => each.images - each.containerd) },
          { name: 'rival step kubeadm', unit: 's', samples: theirs.map((each) => each.kubeadm - each.images) },
        ]
      : []),
  ],
  ratios: hasRival
    ? [
        { name: 'rival / ours, time', of: 'rival Ready', by: 'Ready', atLeast: 1 / BUDGET },
        { name: 'rival / ours, CPU time of QEMU', of: 'CPU time of the rival', by: 'CPU time of QEMU until then' },
      ]
    : [],
});

const median = (numbers: readonly number[]) => summarise(numbers).median;
/** Where a step ends, in the median: phases that end behind Ready are left out. */
const endOf = (name: string) =>
  median(ours.map(({ steps }) => steps.find((step) => step.name === name)?.until ?? Number.NaN));
if (hasRival) {
  const readyAt = median(ours.map(({ ready }) => ready));
  const rivalAt = median(theirs.map(({ ready }) => ready));
  const steps = (ours[0]?.steps ?? []).map(({ name }) => ({ name, untilSeconds: endOf(name) }));
  const before = steps
    .filter(({ untilSeconds }) => untilSeconds < readyAt)
    .sort((left, right) => left.untilSeconds - right.untilSeconds);
  const chart = phaseChart({
    title: 'QEMU started → the node is Ready, medians',
    bars: [
      {
        label: 'Talos',
        phases: [
          { name: 'API ready', untilSeconds: median(ours.map(({ apiReady }) => apiReady)) },
          ...before,
          { name: 'Ready', untilSeconds: readyAt },
        ],
      },
      {
        label: 'Debian trixie',
        phases: [
          { name: 'containerd', untilSeconds: median(theirs.map(({ containerd }) => containerd)) },
          { name: 'images', untilSeconds: median(theirs.map(({ images }) => images)) },
          { name: 'Ready', untilSeconds: rivalAt },
        ],
      },
    ],
    mark: { label: `budget: ${BUDGET} of the rival`, seconds: BUDGET * rivalAt },
  });
  await writeFile(join(dirname(file), 'ready.svg'), chart);
}
