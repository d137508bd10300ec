// The repository's commands drive nodes through osctl, as a user does.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { ask } from './run.mjs';

/** The cluster that npm start makes and npm stop removes. */
export const startCluster = 'talos';

/** The client, as it is typed. */
export const osctlPath = path.join(root, 'bin', 'osctl');

/**
 * What `osctl cluster show` says of the cluster.
 * @returns {Promise<undefined | {state: string, arch: string, kubernetes?: {version: string}, nodes: {name: string, state: string, endpoint: string}[]}>} undefined: there is none
 */
export async function findCluster() {
  const { code, stdout } = await ask([
    process.execPath,
    osctlPath,
    '-o',
    'json',
    'cluster',
    'show',
    '--name',
    startCluster,
  ]);
  return code === 0 ? JSON.parse(stdout) : undefined;
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
