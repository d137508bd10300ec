import { errorCode, errorMessage } from '../base/errors.js';
import type { NetlinkModule, Uevent } from '../native/contract.js';
import { untilUevent } from '../os/until-uevent.js';
import { type LoadedConfig, loadConfig } from './load-config.js';

export interface FindConfigOptions {
  netlink: Pick<NetlinkModule, 'monitorUevents'>;
  /** Text of the config on the config disk; undefined when there is no such disk. */
  read(): Promise<string | undefined>;
  /** One sentence for whoever sits before the node: why it has no config yet. Called when the reason changes. */
  waiting(why: string, outcome: 'NOT_LOADED' | 'NOT_VALID'): void;
}

/** A console shows a line; all problems are told by `osctl validate`. */
const MAX_REASON_CHARACTERS = 400;
const NO_DISK = 'no config disk (a file system with the label TALOSCONFIG) was found; waiting for one';

/**
 * Looks for the machine config until there is a good one: now, and whenever a block device comes or changes.
 * Rejects only if the kernel's events cannot be watched.
 */
export function findConfig({ netlink, read, waiting }: FindConfigOptions): Promise<LoadedConfig> {
  let told = '';
  const tell = (why: string, outcome: 'NOT_LOADED' | 'NOT_VALID' = 'NOT_LOADED'): undefined => {
    if (why !== told) waiting(why, outcome);
    told = why;
  };
  return untilUevent({
    netlink,
    look: async () => {
      try {
        const text = await read();
        return text === undefined ? tell(NO_DISK) : loadConfig(text);
      } catch (error) {
        const isRead = errorCode(error) === 'ERR_CONFIG_INVALID';
        const why = `the config disk cannot be used: ${shortened(errorMessage(error))}; waiting for another`;
        return tell(why, isRead ? 'NOT_VALID' : 'NOT_LOADED');
      }
    },
    matters: isNewMedium,
    describe: () => 'a machine config',
  });
}

function shortened(text: string): string {
  return text.length <= MAX_REASON_CHARACTERS ? text : `${text.slice(0, MAX_REASON_CHARACTERS)} …`;
}

/** Mounting the disk makes no event of its own, so looking does not lead to looking again. */
function isNewMedium({ subsystem, action }: Uevent): boolean {
  return subsystem === 'block' && (action === 'add' || action === 'change');
}
