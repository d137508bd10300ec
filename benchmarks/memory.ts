/**
 * How much memory do the processes of a node take, at rest and while logs are streamed at full speed?
 *
 * No rival: promises of at most 45 MiB of PSS for PID 1, and 260 MiB for all our processes and containerd on a worker without Kubernetes.
 * What would change our mind: more than that.
 *
 * Each sample is a fresh cluster of a control plane and a worker, made and destroyed by osctl in a home folder of its own. Of the worker every process is
 * read, over the API as `osctl read` does it: /proc/PID/smaps_rollup, and memory.current of its control group. PSS divides a page by the number of processes
 * that have it, so that what all of them take together is its sum; a group also has what the kernel holds for it, the page cache above all.
 *
 * At rest: all services of the worker have started, and then nothing was asked of it for a minute. Under load: several clients read a full log over and over, each over its own
 * connection, and go on while the memory is read; every line of every pass is checked. The image has the test layer, whose service writes that log: it is
 * not counted, but PID 1 has its definitions in memory, and its log.
 *
 * Usage: npm run bench -- memory [--samples N] [--readers N] [--passes N] [--idle-seconds N]
 */
import { setTimeout as elapsed } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { MachineClient } from '../lib/client/index.js';
import { ConsoleFollower } from '../lib/cluster/console-log.js';
import { clustersDir } from '../lib/cluster/paths.js';
import { type ClusterState, type NodeState, readState } from '../lib/cluster/state.js';
import { apiClient } from '../test/helpers/api-client.js';
import { seconds, within } from '../test/helpers/deadline.js';
import { TestHome } from '../test/helpers/node.js';
import { countOf } from './lib/count-of.js';
import { LogReaders, untilLine } from './lib/log-readers.js';
import { BUDGETS, budgetLines, memoryMeasurements } from './lib/memory-results.js';
import { type NodeMemory, readNodeMemory } from './lib/node-memory.js';
import { publish } from './lib/report.js';

const clusterName = 'bench-memory';
const CREATE_MS = seconds(400);
const PATIENCE_MS = seconds(180);
/** What the last services of a worker say when they are there. */
const STARTED = [/service containerd: Started/, /service blockd: Started/, /service proxyd: listening/];
/** Writes this many lines at once, more than its log holds (test/layer/services). */
const LOG = { id: 'chatty-burst', lines: 200_000 };
const STATES = ['idle', 'logs streamed'] as const;

interface Sample {
  readonly cluster: ClusterState;
  readonly worker: NodeState;
  readonly idle: NodeMemory;
  readonly busy: NodeMemory;
  readonly megabytesPerSecond: number;
}

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    readers: { type: 'string', default: '4' },
    passes: { type: 'string', default: '5' },
    'idle-seconds': { type: 'string', default: '60' },
  },
});
const numberOf = (name: keyof typeof values): number => countOf(name, values[name]);
const [count, readers, passes] = [numberOf('samples'), numberOf('readers'), numberOf('passes')];
const idleSeconds = numberOf('idle-seconds');

async function measureCluster(home: TestHome): Promise<Sample> {
  try {
    const words = [
      'cluster',
      'create',
      '--name',
      clusterName,
      '--layer',
      'test',
      '--controlplanes',
      '1',
      '--workers',
      '1',
    ];
    await home.succeed(words, CREATE_MS);
    const cluster = await readState(clustersDir(home.environment), clusterName);
    const worker = cluster?.nodes.find(({ kind }) => kind === 'worker');
    if (!cluster || !worker) throw new Error('the cluster has no worker');
    await untilStarted(worker);
    return { cluster, worker, ...(await measureNode(home, worker)) };
  } finally {
    await home.succeed(['cluster', 'destroy', '--name', clusterName]);
  }
}

async function untilStarted(worker: NodeState): Promise<void> {
  const console = await ConsoleFollower.open(worker.consoleLog);
  try {
    for (const line of STARTED) await within(PATIENCE_MS, String(line), console.waitFor(line));
  } finally {
    await console.close();
  }
}

async function measureNode(home: TestHome, { name, endpoint }: NodeState) {
  const clients: MachineClient[] = [];
  const connect = async () => {
    const client = await apiClient(home, endpoint);
    clients.push(client);
    return client;
  };
  try {
    // Rest is a time in which nothing is asked, not something that ends with an event.
    await elapsed(seconds(idleSeconds));
    const client = await connect();
    const idle = await readNodeMemory(client, name);
    await home.succeed(['-n', endpoint, 'service', LOG.id, 'start']);
    await within(PATIENCE_MS, `line ${LOG.lines}`, untilLine(client, LOG.id, LOG.lines));
    const ownConnections: MachineClient[] = [];
    for (let number = 0; number < readers; number++) ownConnections.push(await connect());
    const streams = new LogReaders(ownConnections, LOG.id);
    await within(PATIENCE_MS, `${passes} readings of the log`, streams.until(passes));
    const busy = await readNodeMemory(client, name);
    return { idle, busy, megabytesPerSecond: await streams.stop() };
  } finally {
    for (const client of clients) client.close();
  }
}

await using home = await TestHome.create();
const samples: Sample[] = [];
for (let done = 0; done < count; done++) {
  samples.push(await measureCluster(home));
  process.stderr.write(`${done + 1}/${count}\n`);
}

const measurements = [
  ...memoryMeasurements(
    STATES[0],
    samples.map(({ idle }) => idle),
  ),
  ...memoryMeasurements(
    STATES[1],
    samples.map(({ busy }) => busy),
  ),
  { name: 'Talos: logs streamed', unit: 'MB/s', samples: samples.map((each) => each.megabytesPerSecond) },
];
const [{ cluster, worker }] = samples as [Sample];
await publish({
  benchmark: 'memory',
  question: 'memory of the processes of a worker without Kubernetes',
  parameters: {
    image: 'shipped, with the test layer',
    machine: cluster.machine ?? '',
    accelerator: cluster.accelerator,
    cpus: worker.cpus,
    memoryMiB: worker.memoryMib,
    samples: count,
    idleSeconds,
    readers,
    passes,
    budgetInitPssMiB: BUDGETS.init,
    budgetAllPssMiB: BUDGETS.all,
  },
  measurements,
});
for (const line of budgetLines(STATES, measurements)) process.stderr.write(`${line}\n`);
