// node tools/fuzz.mjs [TARGET…] [--runs N | --seconds N] [--tap]: runs fuzzers of native/fuzz, all of them unless some are named.
// With --runs the same inputs each time; with --seconds each target for that long, going on from what earlier runs found.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { buildAll } from './lib/build.mjs';
import { runMain, UsageError } from './lib/failure.mjs';
import { fuzzTargets, runFuzzer, seedCount } from './lib/fuzz.mjs';
import { shown } from './lib/paths.mjs';

const defaultRuns = 20_000;

/** @returns {{targets: string[], length: {runs: number} | {seconds: number}, tap: boolean}} */
function request() {
  const { values, positionals } = parseArgs({
    options: { runs: { type: 'string' }, seconds: { type: 'string' }, tap: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const known = fuzzTargets();
  const unknown = positionals.filter((target) => !known.includes(target));
  if (unknown.length > 0) throw new UsageError(`no fuzz target ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  const runs = Number(values.runs ?? defaultRuns);
  if (seconds !== undefined && !(seconds > 0))
    throw new UsageError(`--seconds ${values.seconds} is no number of seconds`);
  if (!(runs > 0)) throw new UsageError(`--runs ${values.runs} is no number of runs`);
  return {
    targets: positionals.length > 0 ? positionals : known,
    length: seconds === undefined ? { runs } : { seconds },
    tap: values.tap,
  };
}

/** One line a target, and why it failed. */
async function check(target, length) {
  const seeds = seedCount(target);
  if (seeds === 0) return { line: `${target} has no seeds`, failure: `native/fuzz/corpus/${target} is empty` };
  const { runs, failure, logFile } = await runFuzzer(target, length);
  const line = `${target}: ${seeds} seeds, ${runs} runs`;
  return failure ? { line: `${line}, ${failure}`, failure: `log: ${shown(logFile)}` } : { line, failure: undefined };
}

await runMain(async () => {
  const { targets, length, tap } = request();
  if (!tap) await buildAll({ upTo: 'packages', native: ['fuzz'] });
  const queue = [...targets];
  let [done, failed] = [0, 0];
  const worker = async () => {
    for (let target = queue.shift(); target; target = queue.shift()) {
      const { line, failure } = await check(target, length);
      done++;
      if (failure) failed++;
      process.stdout.write(
        tap ? `${failure ? 'not ' : ''}ok ${done} - ${line}\n` : `${line}: ${failure ? 'FAILED' : 'ok'}\n`,
      );
      if (failure) process.stdout.write(`${failure.replaceAll(/^/gm, tap ? '# ' : '  ')}\n`);
    }
  };
  await Promise.all(Array.from({ length: tap ? 1 : availableParallelism() }, worker));
  if (tap) process.stdout.write(`1..${done}\n`);
  return failed > 0 ? 1 : 0;
});
