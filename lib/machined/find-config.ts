import { errorCode, errorMessage } from '../base/errors.js';
import type { NetlinkModule, Uevent } from '../native/contract.js';
import { untilUevent } from '../os/until-uevent.js';
import { type LoadedConfig, loadConfig } from './load-config.js';
import type { StateConfig } from './state-config.js';

export interface FindConfigOptions {
  netlink: Pick<NetlinkModule, 'monitorUevents'>;
  /** Text of the config on the config disk; undefined when there is no such disk. */
  readDisk(): Promise<string | undefined>;
  /** What STATE has, once it is looked for; undefined while there is none on a disk. Rejects when there is one that cannot be used. */
  openState(): Promise<Pick<StateConfig, 'read' | 'hasSeen'> | undefined>;
  /** A file that the kernel command line names. */
  file?: { path: string; read(): Promise<string> } | undefined;
  /** What else is done about it, for the sentence of `waiting`; 'waiting for one' otherwise. */
  meanwhile?: string | undefined;
  /** One sentence for whoever sits before the node: why it has no config yet. Called when the reason changes. */
  waiting(why: string, outcome: 'NOT_LOADED' | 'NOT_VALID'): void;
  /** Called after each look that has found none. @param isEmpty  there is nothing anywhere, not even something that cannot be used */
  missed?(isEmpty: boolean): void;
  /** As waiting, of a source in whose place there is another: the node need not wait. */
  passedOver(why: string): void;
  /** Ends the search. */
  signal?: AbortSignal;
}

export interface FoundConfig {
  config: LoadedConfig;
  /** 'the config disk', 'STATE', or another name for people. */
  source: string;
  /** What the config disk has, whatever was taken. */
  diskText: string | undefined;
}

/** A console shows a line; all problems are told by `osctl validate`. */
const MAX_REASON_CHARACTERS = 400;
const NO_DISK = 'no config disk (a file system with the label TALOSCONFIG) was found';

/**
 * Looks for the machine config until there is a good one: now, and whenever a block device comes or changes. A config disk with another text
 * than the one that was taken last comes before STATE, STATE before any other config disk. What is not valid is passed over.
 * Rejects only if the kernel's events cannot be watched.
 */
export function findConfig(options: FindConfigOptions): Promise<FoundConfig> {
  let told = '';
  return untilUevent({
    netlink: options.netlink,
    look: async () => {
      const { found, faults } = await lookOnce(options);
      if (found) {
        for (const { why } of faults) options.passedOver(`${why}; the config of ${found.source} is used`);
        return found;
      }
      const [what, waits] =
        faults.length === 0
          ? [NO_DISK, 'waiting for one']
          : [faults.map((fault) => fault.why).join('; '), 'waiting for another'];
      const why = `${what}; ${options.meanwhile ?? waits}`;
      if (why !== told) options.waiting(why, faults.some(({ isRead }) => isRead) ? 'NOT_VALID' : 'NOT_LOADED');
      told = why;
      options.missed?.(faults.length === 0);
      return undefined;
    },
    matters: isNewMedium,
    describe: () => 'a machine config',
    signal: options.signal,
  });
}

interface Fault {
  why: string;
  /** It was read, and what it says is wrong. */
  isRead: boolean;
}

async function lookOnce({
  readDisk,
  openState,
  file,
}: FindConfigOptions): Promise<{ found: FoundConfig | undefined; faults: Fault[] }> {
  const faults: Fault[] = [];
  const attempt = async <T>(what: string, work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const why = `${what} cannot be used: ${shortened(errorMessage(error))}`;
      const isRead = errorCode(error) === 'ERR_CONFIG_INVALID';
      if (!faults.some((fault) => fault.why === why)) faults.push({ why, isRead });
      return undefined;
    }
  };
  const [state, diskText] = await Promise.all([attempt('STATE', openState), attempt('the config disk', readDisk)]);
  const fromDisk = async (): Promise<FoundConfig | undefined> => {
    if (diskText === undefined) return undefined;
    const config = await attempt('the config disk', () => loadConfig(diskText));
    return config && { config, source: 'the config disk', diskText };
  };
  const fromFile = async (): Promise<FoundConfig | undefined> => {
    if (!file) return undefined;
    const source = `the file ${file.path}`;
    const config = await attempt(source, async () => loadConfig(await file.read()));
    return config && { config, source, diskText };
  };
  if (!state) return { found: (await fromDisk()) ?? (await fromFile()), faults };
  const isNew = diskText !== undefined && !(await attempt('STATE', () => state.hasSeen(diskText)));
  const brought = isNew ? await fromDisk() : undefined;
  if (brought) return { found: brought, faults };
  const kept = await attempt('the machine config in STATE', async () => {
    const text = await state.read();
    return text === undefined ? undefined : loadConfig(text);
  });
  if (kept) return { found: { config: kept, source: 'STATE', diskText }, faults };
  return { found: (isNew ? undefined : await fromDisk()) ?? (await fromFile()), faults };
}

/** For a console. */
export function shortened(text: string): string {
  return text.length <= MAX_REASON_CHARACTERS ? text : `${text.slice(0, MAX_REASON_CHARACTERS)} …`;
}

/** Mounting the disk makes no event of its own, so looking does not lead to looking again. */
function isNewMedium({ subsystem, action }: Uevent): boolean {
  return subsystem === 'block' && (action === 'add' || action === 'change');
}
