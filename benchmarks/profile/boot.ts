/**
 * Where does the time go when a node boots?
 *
 * One node of the shipped image, made and destroyed by osctl in a home folder of its own, is followed until its API has answered, containerd answers and the services
 * in containers have said how they fare. What stage0, PID 1, osd and machined wrote meanwhile is set side by side (boot-steps.ts); then the node is asked
 * how much CPU time each of its processes has used.
 *
 * Leaves out/profile/boot.svg and boot.json, which has the steps and the processes.
 *
 * Usage: npm run profile -- boot
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clustersDir } from '../../lib/cluster/paths.js';
import { readState } from '../../lib/cluster/state.js';
import { seconds } from '../../test/helpers/deadline.js';
import { TestHome } from '../../test/helpers/node.js';
import { cpuSeconds } from '../lib/cpu-seconds.js';
import { checkout, circumstances } from '../lib/report.js';
import { bootChart } from './boot-chart.js';
import { type BootStep, bootSteps, type ServiceHistory } from './boot-steps.js';
import { loadText, profileFolder } from './findings.js';
import { type NodeProcess, processTable } from './process-table.js';
import { runProfile } from './run-profile.js';
import { hasAnswered } from './service-events.js';

const CLUSTER = 'profile-boot';
const CREATE_MS = seconds(300);
const SERVICES_MS = seconds(180);
/** Definitions of the services in containers. */
const CONTAINERS = 'rootfs/files/usr/share/talos/containers';
const CONTAINERD = 'containerd';

interface Boot {
  readonly steps: readonly BootStep[];
  readonly processes: readonly NodeProcess[];
  readonly apiReady: number;
  readonly qemuCpuSeconds: number;
}

/** containerd, and what starts at boot in containers. */
async function awaitedServices(): Promise<string[]> {
  const folder = join(checkout, CONTAINERS);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  const definitions = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as { id: string; start?: string }),
  );
  return [CONTAINERD, ...definitions.filter(({ start }) => start !== 'manual').map(({ id }) => id)];
}

async function waitForServices(home: TestHome): Promise<void> {
  const awaited = await awaitedServices();
  const events = home.stream('-o', 'json', 'events', '--tail', '-1');
  try {
    const what = `health of ${awaited.join(', ')}`;
    await events.until(SERVICES_MS, what, (lines) => awaited.every((id) => hasAnswered(lines, id)));
  } finally {
    await events.stop();
  }
}

async function boot(home: TestHome): Promise<Boot> {
  try {
    await home.succeed(['cluster', 'create', '--name', CLUSTER], CREATE_MS);
    const node = (await readState(clustersDir(home.environment), CLUSTER))?.nodes[0];
    if (node?.apiReadyMs === undefined || node.phases === undefined) throw new Error('the node has no phases');
    await waitForServices(home);
    const qemuCpuSeconds = cpuSeconds(node.process.pid);
    const processes = await home.json<NodeProcess[]>('processes', '--sort', 'cpu');
    const steps = bootSteps({
      phases: node.phases,
      console: await readFile(node.consoleLog, 'utf8'),
      initLog: (await home.succeed(['logs', 'init'])).stdout,
      services: await home.json<ServiceHistory[]>('service'),
    });
    return { steps, processes, apiReady: node.apiReadyMs / 1000, qemuCpuSeconds };
  } finally {
    await home.osctl(['cluster', 'destroy', '--name', CLUSTER]);
  }
}

await runProfile(async () => {
  parseArgs({ options: {} });
  await using home = await TestHome.create();
  const { steps, processes, apiReady, qemuCpuSeconds } = await boot(home);
  const folder = await profileFolder();
  const [chart, data] = [join(folder, 'boot.svg'), join(folder, 'boot.json')];
  const mark = { label: `API ready ${apiReady.toFixed(1)} s`, seconds: apiReady };
  await writeFile(chart, bootChart('QEMU started → all services answer', steps, mark));
  const all = { circumstances: await circumstances(), apiReady, qemuCpuSeconds, steps, processes };
  await writeFile(data, `${JSON.stringify(all, null, 2)}\n`);
  const rows = steps.map(
    ({ group, name, from, until }) =>
      `${from.toFixed(2).padStart(8)}${until.toFixed(2).padStart(8)}${(until - from).toFixed(2).padStart(8)}  ${group}: ${name}\n`,
  );
  process.stdout.write(
    [
      `API ready after ${apiReady.toFixed(2)} s; CPU time of QEMU until all services answer ${qemuCpuSeconds.toFixed(1)} s; ${loadText()}\n\n`,
      `${'from'.padStart(8)}${'until'.padStart(8)}${'s'.padStart(8)}  step\n${rows.join('')}\n`,
      `${processTable(processes)}\nphase chart: ${chart}\nnumbers: ${data}\n`,
    ].join(''),
  );
});
