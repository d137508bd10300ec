import { homedir } from 'node:os';
import path from 'node:path';

/** The part of the environment that decides where state lives. */
export interface Environment {
  readonly TALOS_HOME?: string | undefined;
  readonly TALOSCONFIG?: string | undefined;
}

/** The user's folder of Talos state: `$TALOS_HOME`, else `~/.talos`. */
export function talosHome(environment: Environment = process.env): string {
  return environment.TALOS_HOME || path.join(homedir(), '.talos');
}

/** The client configuration that contexts are merged into: `$TALOSCONFIG`, else `config` in {@link talosHome}. */
export function talosconfigPath(environment: Environment = process.env): string {
  return environment.TALOSCONFIG || path.join(talosHome(environment), 'config');
}

/** The folder that holds one folder for each local cluster. */
export function clustersDir(environment: Environment = process.env): string {
  return path.join(talosHome(environment), 'clusters');
}
