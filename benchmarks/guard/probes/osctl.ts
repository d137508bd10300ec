/** `osctl version --client` from its start to its end, with what it has compiled kept from the time before, as users have it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { summarise } from '../../lib/statistics.js';
import { probeInput, type Took, tell } from '../probe.js';

const RUNS = 5;
/** Loaded before osctl: tells, at the end, what all threads of the process have used. */
const METER = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  require('node:fs').writeSync(3, String(user + system));
});`;

const { checkout } = probeInput();
const folder = await mkdtemp(join(tmpdir(), 'talos-guard-'));

async function run(): Promise<Took> {
  const argv = ['--require', meter, join(checkout, 'bin', 'osctl'), 'version', '--client'];
  const startedMs = performance.now();
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env.PATH, HOME: folder, XDG_CACHE_HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const [output, used, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stdio[3] as NodeJS.ReadableStream),
    once(child, 'close'),
  ]);
  const wallUs = (performance.now() - startedMs) * 1000;
  if (code !== 0 || !/^Client:\n[\s\S]*Tag:\s+v\d/.test(output))
    throw new Error(`exit code ${code}, it printed ${output}`);
  return { wallUs, cpuUs: Number(used) };
}

const meter = join(folder, 'meter.cjs');
try {
  await writeFile(meter, METER);
  // Fills the compile cache, where Node has one.
  await run();
  const runs: Took[] = [];
  for (let number = 0; number < RUNS; number++) runs.push(await run());
  const median = (of: (took: Took) => number) => summarise(runs.map(of)).median / 1000;
  tell({ 'osctl-time': median(({ wallUs }) => wallUs), 'osctl-cpu': median(({ cpuUs }) => cpuUs) });
} finally {
  await rm(folder, { recursive: true });
}
