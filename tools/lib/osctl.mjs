// The repository's commands drive nodes through osctl, as a user does.
import path from 'node:path';
import { root } from './paths.mjs';
import { ask } from './run.mjs';

/** The cluster that npm start makes and npm stop removes. */
export const startCluster = 'talos';

/** The client, as it is typed. */
export const osctlPath = path.join(root, 'bin', 'osctl');

/**
 * What `osctl cluster show` says of the cluster.
 * @returns {Promise<undefined | {state: string, nodes: {name: string, state: string, endpoint: string}[]}>} undefined: there is none
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
