// npm run soak [-- --minutes N]: the long tier. First the fuzzers, for a share of the time; then the tests that run in guests and
// on booted nodes, again and again until the time is over, because races show in many rounds, not in one. Behind the first round the
// tests of booted nodes for the other architecture, a storm of orphans, floods against the API of a booted node, daemons that are killed, and the addon and the kernel built once more.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { architectureOfHost, architectures } from './lib/architectures.mjs';
import { describeFailure, runMain, UsageError } from './lib/failure.mjs';
import { fuzzTargets } from './lib/fuzz.mjs';
import { compileEachAlone } from './lib/native-build.mjs';
import { root } from './lib/paths.mjs';

const defaultMinutes = 60;
const fuzzShare = 0.25;

const tool = (name, ...words) =>
  spawnSync(process.execPath, [path.join(root, 'tools', name), ...words], { stdio: 'inherit' }).status === 0;

/** All tests of booted nodes, with nodes for the other architecture. */
function foreignNodes() {
  const [arch] = architectures.filter((each) => each !== architectureOfHost());
  const env = { ...process.env, TALOS_TEST_ARCH: arch };
  const argv = [path.join(root, 'tools', 'test.mjs'), 'vm', 'vm-long'];
  return spawnSync(process.execPath, argv, { stdio: 'inherit', env }).status === 0;
}

/** All targets for their share of the time, side by side as far as there are processors. */
function fuzz(minutes) {
  const seconds = (minutes * 60 * fuzzShare * availableParallelism()) / fuzzTargets().length;
  return tool('fuzz.mjs', '--seconds', String(Math.max(1, Math.floor(seconds))));
}

/** Runs a compiled program of test/. */
const program = (name, ...words) =>
  spawnSync(process.execPath, ['--enable-source-maps', path.join(root, 'out', 'js', 'test', name), ...words], {
    stdio: 'inherit',
    cwd: root,
  }).status === 0;

/** As many orphans as are promised, where the tests of each round send fewer. */
function reapStorm() {
  const argv = ['run', '--deadline', '1200', '--', 'test/in-guest/reaper.test.ts', '--orphans', '50000'];
  return spawnSync(path.join(root, 'test', 'guest'), argv, { stdio: 'inherit', cwd: root }).status === 0;
}

/** Whether each C++ source includes what it needs: ordinary builds compile those of a folder as one. */
async function eachSourceAlone() {
  try {
    await compileEachAlone();
    return true;
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    return false;
  }
}

/** What runs once, behind the first round, which has built everything. Name and work; false is a failure. */
const once = [
  ['nodes of the other architecture', foreignNodes],
  ['storm of orphans', reapStorm],
  // Each for a minute against the API of a booted node, where the tests of osd have a second.
  ['floods', () => program('soak/floods.js', '--seconds', '60')],
  // The plug is pulled at moments all over the making of STATE and EPHEMERAL.
  ['power cuts', () => program('soak/power-cuts.js')],
  // A hundred times each daemon.
  ['kills', () => program('soak/kills.js')],
  ['Kubernetes', () => tool('test.mjs', 'kubernetes', 'cluster')],
  ['three control planes', () => program('soak/control-planes.js')],
  ['power cuts of members', () => program('soak/membership-cuts.js')],
  // Every machine with every disk, card, firmware and size that it takes.
  ['machines', () => program('soak/machines.js')],
  // Every line of every shape is checked; the figures are stored.
  ['grid of logs', () => tool('bench.mjs', 'logs', '--grid')],
  ['each C++ source alone', eachSourceAlone],
  // The addon and the kernel once more, in another folder: the same bytes.
  ['built twice', () => program('soak/reproducible.js')],
];

await runMain(async () => {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: String(defaultMinutes) } } });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new UsageError(`--minutes ${values.minutes} is not a number of minutes`);
  const end = Date.now() + minutes * 60_000;
  const results = [['fuzzers', fuzz(minutes)]];
  let [rounds, failedRounds] = [0, 0];
  do {
    rounds++;
    process.stdout.write(`round ${rounds}\n`);
    if (!tool('test.mjs', 'native', 'guest', 'vm', 'vm-long')) failedRounds++;
    if (rounds === 1) for (const [name, work] of once) results.push([name, await work()]);
  } while (Date.now() < end);
  const told = results.map(([name, passed]) => `${name} ${passed ? 'passed' : 'FAILED'}`);
  process.stdout.write(`${told.join('; ')}; ${rounds} rounds, ${failedRounds} with failures\n`);
  return failedRounds > 0 || results.some(([, passed]) => !passed) ? 1 : 0;
});
