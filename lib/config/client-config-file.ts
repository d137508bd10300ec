/** Where the client config lives, and how it is read and replaced. The only module of lib/config that touches files. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorCode, TalosError } from '../base/errors.js';
import { withFileLock } from '../base/file-lock.js';
import { replacePrivateFile } from '../base/private-file.js';
import { readText } from '../base/read-file.js';
import {
  type ClientConfig,
  emptyClientConfig,
  mergeClientConfig,
  parseClientConfigText,
  stringifyClientConfig,
} from './client-config.js';

/** What a pod of a node that may use the API finds there. */
const SERVICE_ACCOUNT_CONFIG = '/var/run/secrets/talos.dev/config';

/** The folder of talosctl and osctl: `$TALOS_HOME`, or `~/.talos`. */
export function talosHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.TALOS_HOME !== undefined && env.TALOS_HOME !== '' ? env.TALOS_HOME : join(env.HOME ?? homedir(), '.talos');
}

/**
 * The files that may hold the client config, in the order of the search.
 * @param explicit  given on the command line: then it is the only one
 */
export function clientConfigPaths(options: { explicit?: string | undefined; env?: NodeJS.ProcessEnv } = {}): string[] {
  const { explicit, env = process.env } = options;
  if (explicit !== undefined) return [resolve(explicit)];
  if (env.TALOSCONFIG !== undefined && env.TALOSCONFIG !== '') return [resolve(env.TALOSCONFIG)];
  return [join(talosHome(env), 'config'), SERVICE_ACCOUNT_CONFIG];
}

/** A client config and where it was found. */
export interface ReadClientConfig {
  path: string;
  config: ClientConfig;
  /** Line of a field, or of the nearest thing around it. */
  lineOf(path: readonly PropertyKey[]): number;
}

/**
 * Reads the first of the files that exists.
 * @returns undefined when none does
 * @throws ConfigError · a system error other than ENOENT
 */
export async function readClientConfig(paths: readonly string[]): Promise<ReadClientConfig | undefined> {
  for (const path of paths) {
    try {
      return { path, ...parseClientConfigText(await readText(path), path) };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}

/** As `readClientConfig`, but none is an error that says where was looked. */
export async function requireClientConfig(paths: readonly string[]): Promise<ReadClientConfig> {
  const found = await readClientConfig(paths);
  if (found !== undefined) return found;
  throw new TalosError('ERR_CONFIG_NOT_FOUND', `no client config: looked for ${paths.join(' and ')}`, {
    hint: 'make a local cluster with `osctl cluster create`, or name a file with --talosconfig or $TALOSCONFIG',
  });
}

/**
 * Changes the file, or begins one at the first of the paths. Two at once change it one after the other, so neither loses what the other
 * wrote. It is replaced whole or not at all: mode 0600 in a folder of mode 0700 (if it has to be made). A symbolic link stays one.
 * @param change  may throw, and nothing is changed then; undefined leaves the file as it is
 * @throws ERR_LOCKED · ConfigError · a system error
 */
export async function changeClientConfig(
  paths: readonly string[],
  change: (config: ClientConfig) => ClientConfig | undefined,
): Promise<void> {
  const path = (await readClientConfig(paths))?.path ?? (paths[0] as string);
  await withFileLock(path, async () => {
    const config = (await readClientConfig([path]))?.config ?? emptyClientConfig();
    const changed = change(config);
    if (changed !== undefined) await replacePrivateFile(path, stringifyClientConfig(changed));
  });
}

/**
 * Merges contexts into the first of the files that exists, or into a new one at the first path.
 * @returns new names of the contexts that were renamed because theirs were taken
 */
export async function mergeIntoClientConfig(
  paths: readonly string[],
  other: ClientConfig,
): Promise<Map<string, string>> {
  let renames = new Map<string, string>();
  await changeClientConfig(paths, (existing) => {
    const { config, renamed } = mergeClientConfig(existing, other);
    renames = renamed;
    return config;
  });
  return renames;
}
