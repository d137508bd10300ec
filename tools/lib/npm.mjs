// npm packages: installed exactly as the lock file says, and only when node_modules does not match it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { StepFailure } from './failure.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';

const stepName = 'npm packages';

/**
 * Compares what npm recorded of its last installation with the lock file.
 * @param {Record<string, {version?: string, optional?: boolean}>} wanted `packages` of package-lock.json
 * @param {Record<string, {version?: string}>} installed `packages` of node_modules/.package-lock.json
 * @returns {boolean} packages for other platforms (optional) may be missing; nothing may differ
 */
export function isInstalled(wanted, installed) {
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    const present = installed[name];
    return present ? present.version === entry.version : entry.optional === true;
  });
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

/**
 * Runs `npm ci` when it is needed.
 * @param {{update: (detail: string, percent?: number) => void}} progress
 * @returns {Promise<string>}
 */
export async function installNpmPackages(progress) {
  const wanted = readPackages(path.join(root, 'package-lock.json'));
  if (isInstalled(wanted, readPackages(path.join(root, 'node_modules', '.package-lock.json')))) return 'all there';
  const total = Object.keys(wanted).length;
  let fetched = 0;
  try {
    // Each package fetched is one line at this log level: the counter that npm itself does not show.
    await run(stepName, ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel', 'http'], {
      onLine: (line) => {
        if (!line.includes('http fetch GET') && !line.includes('http cache')) return;
        fetched++;
        progress.update(`package ${Math.min(fetched, total)} of ${total}`, Math.min(99, (100 * fetched) / total));
      },
    });
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    throw new StepFailure(stepName, error.message, {
      logFile: error.logFile,
      hint: 'see that the npm registry can be reached (npm ping), then run this command again',
      cause: error,
    });
  }
  return `installed ${total}`;
}
