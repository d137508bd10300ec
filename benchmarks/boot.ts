/**
 * How long does a node take from the start of QEMU until osd answers Version over mutual TLS?
 *
 * Each sample is a fresh node of the shipped image, made and destroyed by osctl in a home folder of its own; the end of the time is the first answer,
 * not the first attempt. Beside the wall-clock time stands the CPU time of QEMU: it hardly depends on what else the machine does.
 * The phases are the lines that stage0, PID 1 and osd write to the kernel log, as the host sees them.
 *
 * Rival: Debian trixie with systemd, same QEMU flags, until containerd and sshd answer. It is not measured yet.
 * What would change our mind about the design: a median above a quarter of the rival's.
 *
 * Usage: npm run bench -- boot [--samples N]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { clustersDir } from '../lib/cluster/paths.js';
import { type NodeState, readState } from '../lib/cluster/state.js';
import { TestHome } from '../test/helpers/node.js';
import { type Measurement, publish } from './lib/report.js';

const clusterName = 'bench-boot';

/** CLK_TCK: what Linux has on every architecture that we run on. */
const ticksPerSecond = 100;

/** Seconds of CPU time, user and system, that a process has used. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the command, which may hold blanks: utime and stime are the 14th and 15th field of proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

interface Sample {
  node: NodeState;
  accelerator: string;
  cpuSeconds: number;
}

async function boot(home: TestHome): Promise<Sample> {
  await home.succeed(['cluster', 'create', '--name', clusterName], 300_000);
  try {
    const state = await readState(clustersDir(home.environment), clusterName);
    const node = state?.nodes[0];
    if (!state || node?.apiReadyMs === undefined) throw new Error('the cluster has no node that became ready');
    return { node, accelerator: state.accelerator, cpuSeconds: cpuSeconds(node.process.pid) };
  } finally {
    await home.succeed(['cluster', 'destroy', '--name', clusterName]);
  }
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

const { values } = parseArgs({ options: { samples: { type: 'string', default: '10' } } });
const count = Number(values.samples);
if (!Number.isInteger(count) || count < 1)
  throw new RangeError(`--samples takes a whole number above 0, not ${values.samples}`);

await using home = await TestHome.create();
// The first boot fills the page cache with the image and the accelerator's probe; it does not count.
await boot(home);
const samples: Sample[] = [];
for (let done = 0; done < count; done++) {
  samples.push(await boot(home));
  process.stderr.write(
    `${done + 1}/${count}: API ready in ${((samples.at(-1)?.node.apiReadyMs ?? 0) / 1000).toFixed(2)} s\n`,
  );
}
const [first] = samples;
await publish({
  benchmark: 'boot',
  question: 'seconds from the start of QEMU until Version is answered over mutual TLS',
  parameters: {
    image: 'shipped',
    accelerator: first?.accelerator ?? '',
    cpus: first?.node.cpus ?? 0,
    memoryMiB: first?.node.memoryMib ?? 0,
    samples: count,
    rival: 'pending',
  },
  measurements: [
    { name: 'API ready', unit: 's', samples: samples.map(({ node }) => (node.apiReadyMs ?? 0) / 1000) },
    { name: 'CPU time of QEMU until then', unit: 's', samples: samples.map((sample) => sample.cpuSeconds) },
    ...phaseMeasurements(samples),
  ],
});
