import path from 'node:path';
import { clientConfigPaths, talosHome } from '../config/client-config-file.js';

/** The folder that holds one folder for each local cluster. */
export function clustersDir(environment: NodeJS.ProcessEnv = process.env): string {
  return path.join(talosHome(environment), 'clusters');
}

/**
 * The client config that contexts of local clusters are merged into.
 * @param explicit  the one that was named, if any
 */
export function talosconfigPath(environment: NodeJS.ProcessEnv = process.env, explicit?: string): string {
  return clientConfigPaths({ explicit, env: environment })[0] as string;
}
