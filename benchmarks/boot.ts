/**
 * How long does a node take from the start of QEMU until osd answers Version over mutual TLS?
 *
 * Each sample is a fresh node of the shipped image, made and destroyed by osctl in a home folder of its own; the end of the time is the first answer,
 * not the first attempt. Beside the wall-clock time stands the CPU time of QEMU: it hardly depends on what else the machine does.
 * The phases are the lines that stage0, PID 1 and osd write to the kernel log, as the host sees them.
 *
 * Rival: Debian trixie with systemd in the same machine, until sshd and containerd have answered (lib/debian-rival.ts); the two boot in turn.
 * What would change our mind about the design: a median above a quarter of the rival's.
 *
 * Beside the JSON lies a chart of the phases: the median boot of each. Another architecture than amd64 has results of its own, as boot-arm64.
 *
 * Usage: npm run bench -- boot [--arch amd64|arm64] [--samples N]
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseHardware } from '../lib/cluster/hardware.js';
import { clustersDir } from '../lib/cluster/paths.js';
import { type NodeState, readState } from '../lib/cluster/state.js';
import { type Architecture, KNOWN_ARCHITECTURES } from '../lib/image/architecture.js';
import { TestHome } from '../test/helpers/node.js';
import { countOf } from './lib/count-of.js';
import { cpuSeconds } from './lib/cpu-seconds.js';
import { debianRival } from './lib/debian-rival.js';
import { phaseChart } from './lib/phase-chart.js';
import { type Measurement, publish } from './lib/report.js';
import { bootRival, type RivalSample } from './lib/rival-boot.js';
import type { RivalMachine } from './lib/rival-machine.js';
import { summarise } from './lib/statistics.js';

const clusterName = 'bench-boot';
const DEFAULT_ARCH: Architecture = 'amd64';

/** Of the rival's time, at most. */
const BUDGET = 0.25;

interface Sample {
  node: NodeState;
  machine: RivalMachine;
  cpuSeconds: number;
}

async function boot(home: TestHome, arch: Architecture): Promise<Sample> {
  await home.succeed(['cluster', 'create', '--name', clusterName, '--arch', arch], 300_000);
  try {
    const state = await readState(clustersDir(home.environment), clusterName);
    const node = state?.nodes[0];
    if (!state || node?.apiReadyMs === undefined) throw new Error('the cluster has no node that became ready');
    const { cpus, memoryMib } = node;
    const hardware = chooseHardware({
      arch: state.arch,
      machine: state.machine,
      disk: node.disk,
      network: node.network,
    });
    const machine = { ...hardware, accelerator: state.accelerator, cpus, memoryMib };
    return { node, machine, cpuSeconds: cpuSeconds(node.process.pid) };
  } finally {
    await home.succeed(['cluster', 'destroy', '--name', clusterName]);
  }
}

/** @throws RangeError  a sentence, which ends a benchmark (bad-options.ts) */
function architectureOf(text: string): Architecture {
  const found = KNOWN_ARCHITECTURES.find((arch) => arch === text);
  if (found === undefined) throw new RangeError(`--arch takes ${KNOWN_ARCHITECTURES.join(' or ')}, not "${text}"`);
  return found;
}

/** One measurement a phase, of those that every sample has. */
function phaseMeasurements(samples: Sample[]): Measurement[] {
  const names = samples[0]?.node.phases?.map((phase) => phase.name) ?? [];
  const timesOf = (name: string) =>
    samples.flatMap(({ node }) => node.phases?.find((phase) => phase.name === name)?.atMs ?? []);
  return names
    .map((name) => ({ name: `until phase ${name}`, unit: 's', samples: timesOf(name).map((ms) => ms / 1000) }))
    .filter((measurement) => measurement.samples.length === samples.length);
}

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '10' }, arch: { type: 'string', default: DEFAULT_ARCH } },
});
const count = countOf('samples', values.samples);
const arch = architectureOf(values.arch);
const benchmark = arch === DEFAULT_ARCH ? 'boot' : `boot-${arch}`;

await using home = await TestHome.create();
const rival = await debianRival(arch, (text) => process.stderr.write(`${text}\n`));
// The first boots fill the page cache with what is booted, and the accelerator's probe; they do not count.
const { machine } = await boot(home, arch);
await bootRival(rival, machine);
const samples: Sample[] = [];
const rivals: RivalSample[] = [];
for (let done = 0; done < count; done++) {
  const [ours, theirs] = [await boot(home, arch), await bootRival(rival, machine)];
  samples.push(ours);
  rivals.push(theirs);
  process.stderr.write(
    `${done + 1}/${count}: API ready in ${((ours.node.apiReadyMs ?? 0) / 1000).toFixed(2)} s, the rival in ${theirs.readySeconds.toFixed(2)} s\n`,
  );
}

const ready = samples.map(({ node }) => (node.apiReadyMs ?? 0) / 1000);
const rivalReady = rivals.map(({ readySeconds }) => readySeconds);
const phases = phaseMeasurements(samples);
const file = await publish({
  benchmark,
  question: 'seconds from the start of QEMU until Version is answered over mutual TLS',
  parameters: {
    image: 'shipped',
    arch,
    machine: machine.machine,
    accelerator: machine.accelerator,
    cpus: machine.cpus,
    memoryMiB: machine.memoryMib,
    samples: count,
    rival: 'Debian trixie: systemd, until sshd and containerd have answered',
  },
  measurements: [
    { name: 'API ready', unit: 's', samples: ready },
    { name: 'rival ready', unit: 's', samples: rivalReady },
    { name: 'CPU time of QEMU until then', unit: 's', samples: samples.map((sample) => sample.cpuSeconds) },
    { name: 'CPU time of the rival', unit: 's', samples: rivals.map((sample) => sample.cpuSeconds) },
    ...phases,
  ],
  ratios: [
    { name: 'rival / ours, time', of: 'rival ready', by: 'API ready', atLeast: 1 / BUDGET },
    { name: 'rival / ours, CPU time of QEMU', of: 'CPU time of the rival', by: 'CPU time of QEMU until then' },
  ],
});

const median = (values: readonly number[]) => summarise(values).median;
const details = new Set(
  samples.flatMap(({ node }) => node.phases?.filter(({ isDetail }) => isDetail) ?? []).map(({ name }) => name),
);
const chart = phaseChart({
  title: `QEMU started → API ready, medians, ${arch}`,
  bars: [
    {
      label: 'Talos',
      phases: [
        ...phases.map(({ name, samples: ends }) => ({
          name: name.replace('until phase ', ''),
          isDetail: details.has(name.replace('until phase ', '')),
          untilSeconds: median(ends),
        })),
        { name: 'API ready', untilSeconds: median(ready) },
      ],
    },
    { label: 'Debian trixie', phases: [{ name: 'sshd and containerd', untilSeconds: median(rivalReady) }] },
  ],
  mark: { label: `budget: ${BUDGET} of the rival`, seconds: BUDGET * median(rivalReady) },
});
await writeFile(join(dirname(file), `${benchmark}.svg`), chart);
