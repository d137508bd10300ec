// npm test [-- GROUP…] [-- --file PART]: sets up like npm start, then runs the groups of tests with their progress.
// The last line is always `N passed, N failed`; assertions are counted.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildAll } from './lib/build.mjs';
import { describeFailure, runMain, UsageError } from './lib/failure.mjs';
import { failureLines } from './lib/failures.mjs';
import { Interrupted, onInterruption, unlessInterrupted } from './lib/interruption.mjs';
import { destroyLeftClusters } from './lib/osctl.mjs';
import { logDir, shown } from './lib/paths.mjs';
import { duration, startStep } from './lib/progress.mjs';
import { runTap } from './lib/tap-run.mjs';
import { groups, testEnvironment } from './lib/test-groups.mjs';

const total = { passed: 0, failed: 0 };
/** Told again at the end: nobody looks for them among thousands of lines. */
const failed = [];

/** Says how one program went, and adds it to the total. */
function report(program, outcome) {
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  const counts = `${outcome.passed} passed${outcome.failed > 0 ? `, ${outcome.failed} FAILED` : ''}`;
  process.stdout.write(`  ${program.name}: ${counts} (${duration(outcome.durationMs)})\n`);
  if (outcome.failed === 0) return;
  const lines = [...failureLines(outcome.failures, '    '), `    log: ${shown(outcome.logFile)}`];
  process.stdout.write(`${lines.join('\n')}\n`);
  failed.push(`  ${program.name}: ${counts}`, ...lines);
}

/**
 * Runs one group, `atOnce` programs side by side.
 * @param {import('./lib/test-groups.mjs').Group} group
 * @param {import('./lib/test-groups.mjs').Program[]} programs
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} interruption
 */
async function runGroup(group, programs, env, interruption) {
  const started = Date.now();
  const progress = startStep(`test group ${group.name}`);
  const queue = [...programs];
  let done = 0;
  const running = new Set();
  const tell = () =>
    progress.update(`${done} of ${programs.length} done; ${[...running].join(', ')}`, (100 * done) / programs.length);
  const worker = async () => {
    for (let program = queue.shift(); program && !interruption.aborted; program = queue.shift()) {
      running.add(program.name);
      tell();
      const logFile = path.join(logDir, `test-${program.name.replaceAll(/[^a-z0-9]+/gi, '-')}.log`);
      const outcome = await runTap(program.argv, {
        logFile,
        env: { ...env, ...program.env },
        timeoutMs: group.timeoutSeconds * 1000,
        interruption,
      });
      running.delete(program.name);
      done++;
      tell();
      progress.pause(() => report(program, outcome));
    }
  };
  await Promise.all(Array.from({ length: group.atOnce }, worker));
  const elapsed = Date.now() - started;
  const isOver = elapsed > group.budgetSeconds * 1000;
  progress.finish(`${programs.length} programs, budget ${group.budgetSeconds} s${isOver ? ': OVER BUDGET' : ''}`);
  if (isOver) {
    total.failed++;
    const text = `  failed: the group ${group.name} took ${duration(elapsed)}, its budget is ${group.budgetSeconds} s`;
    process.stdout.write(`${text}\n`);
    failed.push(text);
  }
}

/**
 * Which groups and programs the command line asks for. What nothing answers to is an error: `0 passed, 0 failed` would look as if all was well.
 * @returns {{group: import('./lib/test-groups.mjs').Group, programs: import('./lib/test-groups.mjs').Program[]}[]}
 */
function selection() {
  const names = groups.map((group) => group.name);
  const { values, positionals } = parseArgs({
    options: { file: { type: 'string', multiple: true, default: [] } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new UsageError(`no test group ${unknown.join(', ')}; there are ${names.join(', ')}`);
  const isChosen = ({ name, isSoak }) => (positionals.length === 0 ? !isSoak : positionals.includes(name));
  const all = groups.filter(isChosen).map((group) => ({ group, programs: group.programs() }));
  const isIn = (part) => all.some(({ programs }) => programs.some(({ name }) => name.includes(part)));
  const missing = values.file.filter((part) => !isIn(part));
  if (missing.length > 0) {
    const where = all.map(({ group }) => group.name).join(', ');
    throw new UsageError(`no test of ${where} has ${missing.join(' or ')} in its name`);
  }
  const isWanted = ({ name }) => values.file.length === 0 || values.file.some((part) => name.includes(part));
  return all.map(({ group, programs }) => ({ group, programs: programs.filter(isWanted) }));
}

await runMain(async () => {
  const work = selection();
  const chosen = work.map(({ group }) => group);
  const home = mkdtempSync(path.join(tmpdir(), 'talos-test-home-'));
  // QEMU outlives whoever started it: nodes that are left running must be ended, and only this home knows of them.
  const interruption = onInterruption();
  try {
    const stages = ['packages', 'build', 'images'];
    const upTo = stages.findLast((stage) => chosen.some((group) => group.needs === stage));
    const native = work.flatMap(({ programs }) => programs.flatMap((program) => program.native ?? []));
    const kubernetes = chosen.some((group) => group.needsKubernetes);
    await unlessInterrupted(interruption, buildAll({ upTo, tests: true, kubernetes, native }));
    mkdirSync(logDir, { recursive: true });
    for (const { group, programs } of work) {
      if (programs.length > 0) await runGroup(group, programs, testEnvironment(home), interruption);
      interruption.throwIfAborted();
    }
  } catch (error) {
    // What could not be set up is a failure with the others, so that the last line stays what it is.
    total.failed++;
    process.stderr.write(`${error instanceof Interrupted ? error.message : describeFailure(error)}\n`);
  } finally {
    for (const name of await destroyLeftClusters(path.join(home, 'tmp')))
      process.stderr.write(`ended the node of a test: ${name}\n`);
    rmSync(home, { recursive: true, force: true });
  }
  if (failed.length > 0) process.stdout.write(`What failed:\n${failed.join('\n')}\n`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  // A build that was not waited for would keep this process.
  if (interruption.aborted) process.exit(interruption.reason.exitCode);
  return total.failed > 0 ? 1 : 0;
});
