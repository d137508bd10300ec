// npm run bench:guard [-- --base REF] [--only PART…] [--seconds N]: is this working folder slower than the base? Both are measured in turn, in this run.
// Exit code 1 when it is, or when something could not be built or measured. docs/performance.md explains it.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { chooseBase, measuredChanges } from './lib/guard-base.mjs';
import { logDir, out, root } from './lib/paths.mjs';
import { step } from './lib/progress.mjs';

/** For everything: what building leaves of it is for measuring. */
const defaultSeconds = 170;
const mostSeconds = 3600;

function options() {
  const { values } = parseArgs({
    options: {
      base: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: String(defaultSeconds) },
      // The result is for the test runner.
      tap: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= mostSeconds)) {
    throw new UsageError(`--seconds takes a number up to ${mostSeconds}, not ${values.seconds}`);
  }
  return { ...values, seconds };
}

/** Why there is nothing to do; otherwise the base. */
async function baseOf(wanted) {
  const base = await chooseBase(wanted);
  if (base === undefined) return { nothing: 'this clone has no earlier commit' };
  const name = `${base.commit.slice(0, 9)} (${base.why})`;
  const changes = await measuredChanges(base.commit);
  if (changes.length === 0) return { nothing: `nothing that is measured differs from the base ${name}` };
  return { commit: base.commit, name: `${name}, ${changes.length} files differ` };
}

/** A compiled module of the guard. */
const load = (file) => import(pathToFileURL(path.join(out, 'js', 'benchmarks', 'guard', file)).href);

await runMain(async () => {
  const { base: wanted, only, seconds, tap: isTap } = options();
  const { commit, name, nothing } = await baseOf(wanted);
  if (nothing !== undefined) {
    const text = `nothing to compare: ${nothing}`;
    process.stdout.write(isTap ? `TAP version 14\n1..1\nok 1 - ${text}\n` : `${text}\n`);
    return 0;
  }
  await buildAll({ upTo: 'build' });
  const { guard, PARTS } = await load('main.js');
  const unknown = only.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0) throw new UsageError(`no part ${unknown.join(', ')}; there are ${PARTS.join(', ')}`);
  process.stderr.write(`base: ${name}\n`);
  const logFile = path.join(logDir, 'guard-base.log');
  const findings = await step('Guard', (progress) =>
    guard({
      root,
      base: commit,
      only,
      seconds,
      logFile,
      onProgress: (...progressed) => progress.update(...progressed),
    }),
  );
  const { isFailure, report, tap } = await load('findings-text.js');
  process.stdout.write((isTap ? tap : report)(findings));
  return findings.some(isFailure) ? 1 : 0;
});
