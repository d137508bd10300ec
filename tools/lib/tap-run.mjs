// Runs one program that writes TAP and counts its assertions. A program that ends badly without having said why, or that
// misses its deadline, is a failure as well.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { describeAssertion } from './failures.mjs';
import { root } from './paths.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} passed      assertions
 * @property {number} failed      assertions, and everything else that went wrong
 * @property {string[]} failures  what failed; what was found in further lines
 * @property {number} durationMs
 * @property {string} logFile     the whole output
 */

const killGraceMs = 10_000;

/**
 * @param {string[]} argv
 * @param {object} options
 * @param {string} options.logFile
 * @param {NodeJS.ProcessEnv} options.env  the whole environment
 * @param {number} options.timeoutMs
 * @param {AbortSignal} [options.interruption]  asks the program to end
 * @param {(count: {passed: number, failed: number}) => void} [options.onCount]
 * @returns {Promise<Outcome>}
 */
export async function runTap(argv, options) {
  const { Parser } = await import('tap-parser');
  const started = Date.now();
  const outcome = { passed: 0, failed: 0, failures: [], durationMs: 0, logFile: options.logFile };
  const fail = (what) => {
    outcome.failed++;
    outcome.failures.push(what);
  };
  const parser = new Parser();
  parser.on('pass', () => {
    outcome.passed++;
    options.onCount?.(outcome);
  });
  parser.on('fail', (assertion) => fail(describeAssertion(assertion)));
  parser.on('skip', (assertion) => fail(`skipped: ${assertion.fullname}`));
  parser.on('todo', (assertion) => fail(`put off: ${assertion.fullname}`));
  const results = once(parser, 'complete');

  const log = createWriteStream(options.logFile);
  // Without it tap would end a test after 30 s, whatever the program's own time is.
  const env = { TAP_TIMEOUT: String(options.timeoutMs / 1000), ...options.env };
  const child = spawn(argv[0], argv.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (data) => {
    log.write(data);
    parser.write(data);
  });
  child.stderr.on('data', (data) => log.write(data));
  // Tests end their own children when they are asked to; what does not listen is killed.
  let killTimer;
  const end = (why) => {
    fail(why);
    child.kill('SIGTERM');
    killTimer ??= setTimeout(() => child.kill('SIGKILL'), killGraceMs);
  };
  const timer = setTimeout(() => end(`not done within ${options.timeoutMs / 1000} s`), options.timeoutMs);
  const interrupt = () => end(options.interruption.reason.message);
  options.interruption?.addEventListener('abort', interrupt, { once: true });
  const [code, signal] = await ended(child);
  options.interruption?.removeEventListener('abort', interrupt);
  clearTimeout(timer);
  clearTimeout(killTimer);
  parser.end();
  const [result] = await results;
  if (outcome.failed === 0 && (code !== 0 || !result.ok)) fail(describeEnd(code, signal, result));
  if (outcome.failed === 0 && outcome.passed === 0) fail('no assertion in it');
  outcome.durationMs = Date.now() - started;
  log.end();
  await once(log, 'close');
  return outcome;
}

function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve([error.message, null]));
    child.once('close', (code, signal) => resolve([code, signal]));
  });
}

function describeEnd(code, signal, result) {
  if (signal) return `ended by ${signal}`;
  if (code !== 0) return `ended with code ${code}`;
  return `not a complete TAP stream: ${result.failures[0]?.tapError ?? 'plan and count differ'}`;
}
