// Runs other programs: output to the step's log file, progress read from it line by line.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { StepFailure } from './failure.mjs';
import { logDir, root } from './paths.mjs';

/**
 * @param {string} step
 * @returns {string} the log file of that step
 */
export function logFileOf(step) {
  return path.join(logDir, `${step.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.log`);
}

/**
 * Runs a program to its end, with stdout and stderr in the step's log file.
 * @param {string} step names the step in failures and chooses the log file
 * @param {string[]} argv
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {Record<string, string | undefined>} [options.env] added to the environment
 * @param {boolean} [options.append] keep what the log file already holds (for a step of several programs)
 * @param {(line: string) => boolean | void} [options.onLine] each line of its output; false keeps it out of the log
 * @param {number[]} [options.allowedExits] exit codes that are not failures
 * @param {string} [options.hint] what to do when it fails
 * @returns {Promise<number>} its exit code
 */
export async function run(step, argv, options = {}) {
  const logFile = logFileOf(step);
  mkdirSync(logDir, { recursive: true });
  const log = openSync(logFile, options.append ? 'a' : 'w');
  try {
    writeSync(log, `$ ${argv.join(' ')}\n`);
    const exit = await runWithLog(log, argv, options);
    if (exit.code !== null && [0, ...(options.allowedExits ?? [])].includes(exit.code)) return exit.code;
    const how = exit.code === null ? `was ended by ${exit.signal}` : `exited with code ${exit.code}`;
    throw new StepFailure(step, `${path.basename(argv[0])} ${how}`, { logFile, hint: options.hint });
  } catch (error) {
    if (error.code === 'ENOENT' && error.syscall?.startsWith('spawn')) {
      throw new StepFailure(step, `the program ${argv[0]} is not installed`, { hint: options.hint });
    }
    throw error;
  } finally {
    closeSync(log);
  }
}

/** @returns {Promise<{code: number | null, signal: NodeJS.Signals | null}>} */
function runWithLog(log, argv, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let failed;
    const onLine = (line) => {
      if (options.onLine?.(line) === false) return;
      try {
        writeSync(log, `${line}\n`);
      } catch (error) {
        // A full disk: the program is ended, and the reason is the disk, not the program.
        failed ??= error;
        child.kill();
      }
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
    child.once('error', reject);
    child.once('close', (code, signal) => (failed ? reject(failed) : resolve({ code, signal })));
  });
}

/**
 * Runs a program and returns what it says, for questions that are asked of small tools.
 * @param {string[]} argv
 * @param {{env?: Record<string, string | undefined>}} [options]
 * @returns {Promise<{code: number | null, stdout: string}>} code is null when it could not be started
 */
export function ask(argv, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.once('error', () => resolve({ code: null, stdout: '' }));
    child.once('close', (code) => resolve({ code, stdout }));
  });
}
