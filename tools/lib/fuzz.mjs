// Runs the fuzzers of native/fuzz: short and alike every time for npm test, long for npm run soak. Inputs that end a fuzzer are kept.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { corePrograms } from './native-build.mjs';
import { cacheDir, logDir, root } from './paths.mjs';
import { withoutAddressRandomisation } from './sanitizers.mjs';

/** Seeds, committed. A crash that was mended becomes one. */
export const corpusDir = path.join(root, 'native', 'fuzz', 'corpus');

/** What long runs have found: inputs that reach something new, and inputs that crash. */
const foundDir = path.join(cacheDir, 'fuzz');

const oneInputSeconds = 10;
const memoryMiB = 1024;

const targetOf = (source) => path.basename(source, '_fuzz.cc');

/** @returns {string[]} the names of the targets: `mountinfo` of native/fuzz/mountinfo_fuzz.cc */
export function fuzzTargets() {
  return corePrograms('fuzz').map(({ source }) => targetOf(source));
}

/** How many seeds a target has. */
export function seedCount(target) {
  try {
    return readdirSync(path.join(corpusDir, target)).length;
  } catch {
    return 0;
  }
}

/**
 * Runs one fuzzer over its corpus and then over inputs of its own making.
 * @param {string} target
 * @param {{runs: number} | {seconds: number}} length with `runs` the same inputs each time, and what they find is forgotten
 * @returns {Promise<{runs: number, failure: string | undefined, logFile: string}>} failure: what went wrong, and with which input
 */
export async function runFuzzer(target, length) {
  const isShort = 'runs' in length;
  const crashes = path.join(foundDir, 'crashes', target);
  const inputs = isShort ? mkdtempSync(path.join(tmpdir(), 'talos-fuzz-')) : path.join(foundDir, 'corpus', target);
  mkdirSync(crashes, { recursive: true });
  mkdirSync(inputs, { recursive: true });
  const options = {
    ...(isShort ? { runs: length.runs, seed: 1 } : { max_total_time: length.seconds, use_value_profile: 1 }),
    timeout: oneInputSeconds,
    rss_limit_mb: memoryMiB,
    artifact_prefix: `${crashes}/`,
    print_final_stats: 1,
  };
  const argv = [
    ...withoutAddressRandomisation(),
    corePrograms('fuzz').find(({ source }) => targetOf(source) === target).file,
    ...Object.entries(options).map(([name, value]) => `-${name}=${value}`),
    inputs,
    path.join(corpusDir, target),
  ];
  try {
    return await outcomeOf(target, argv);
  } finally {
    if (isShort) rmSync(inputs, { recursive: true, force: true });
  }
}

/** Its log is kept whole; what it says about an input that ended it is the failure. */
async function outcomeOf(target, argv) {
  const { code, signal, text } = await collect(argv);
  const logFile = path.join(logDir, `fuzz-${target}.log`);
  mkdirSync(logDir, { recursive: true });
  writeFileSync(logFile, `$ ${argv.join(' ')}\n${text}`);
  const runs = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ?? 0);
  if (code === 0 && runs > 0) return { runs, failure: undefined, logFile };
  const what = /^(?:SUMMARY: .*|not as promised: .*|.*runtime error: .*|ERROR: .*)$/m.exec(text)?.[0];
  const input = /Test unit written to (\S+)/.exec(text)?.[1];
  const how = what ?? (signal ? `ended by ${signal}` : `ended with code ${code}`);
  return { runs, failure: input ? `${how}; the input is ${input}` : how, logFile };
}

/** @returns {Promise<{code: number | null, signal: string | null, text: string}>} */
function collect(argv) {
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(argv[0], argv.slice(1), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        text += data;
      });
    }
    child.once('error', (error) => resolve({ code: null, signal: null, text: `ERROR: ${error.message}` }));
    child.once('close', (code, signal) => resolve({ code, signal, text }));
  });
}
