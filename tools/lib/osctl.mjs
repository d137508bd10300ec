// The repository's commands drive nodes through osctl, as a user does.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { StepFailure } from './failure.mjs';
import { osctlBundle, root } from './paths.mjs';
import { ask } from './run.mjs';

/** The cluster that npm start makes and npm stop removes. */
export const startCluster = 'talos';

/** The client, as it is typed. */
export const osctlPath = path.join(root, 'bin', 'osctl');

/** Where local clusters are, as lib/cluster/paths.ts has it: known here without osctl, which may not be built. */
const clusterFolder = () =>
  path.join(process.env.TALOS_HOME || path.join(homedir(), '.talos'), 'clusters', startCluster);

/**
 * What `osctl cluster show` says of the cluster.
 * @returns {Promise<undefined | {state: string, arch: string, kubernetes?: {version: string}, nodes: {name: string, state: string, endpoint: string}[]}>} undefined: there is none
 * @throws {StepFailure} there is one, and osctl cannot say what it is
 */
export async function findCluster() {
  const folder = clusterFolder();
  if (!existsSync(folder)) return undefined;
  if (!existsSync(osctlBundle)) {
    throw new StepFailure('Node', `there is a node in ${folder}, and osctl, which knows how to end it, is not built`, {
      hint: 'npm run build -- --no-images makes osctl; then run this again',
    });
  }
  const argv = [osctlPath, '-o', 'json', 'cluster', 'show', '--name', startCluster];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout);
  // Removed by another command meanwhile.
  if (!existsSync(folder)) return undefined;
  throw new StepFailure(
    'Node',
    `osctl cannot say what is in ${folder}: ${stderr.trim() || `it ended with ${status}`}`,
    {
      hint: 'npm run build -- --no-images makes osctl anew; then run this again',
    },
  );
}

/**
 * Ends the nodes of tests that were killed before they could do so.
 * @param {string} folder that holds the tests' homes
 * @returns {Promise<string[]>} the clusters that were left
 */
export async function destroyLeftClusters(folder) {
  const left = [];
  for (const home of existsSync(folder) ? readdirSync(folder) : []) {
    const talosHome = path.join(folder, home, '.talos');
    const clusters = path.join(talosHome, 'clusters');
    for (const name of existsSync(clusters) ? readdirSync(clusters) : []) {
      await ask([process.execPath, osctlPath, 'cluster', 'destroy', '--name', name], {
        env: { TALOS_HOME: talosHome },
      });
      left.push(name);
    }
  }
  return left;
}
