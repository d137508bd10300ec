import { errorMessage } from '../base/errors.js';
import { ControlError } from '../control/errors.js';
import type { AllowList, Handlers } from '../control/server.js';
import type { BlockModule } from '../native/contract.js';
import { listDisks } from '../os/disks.js';
import { wipe } from './wipe.js';

export interface BlockdContext {
  block: Pick<BlockModule, 'erase' | 'flush' | 'info' | 'wipeSignatures'>;
  log(text: string): void;
  sys?: string;
}

/** Nobody else is ever connected to us. */
export const ALLOW_LIST: AllowList = { listDisks: ['machined'], wipeDevice: ['machined'] };

/** What blockd does for machined. It decides nothing: which device is meant, and whether it may be wiped, was decided by who has opened it. */
export function blockdHandlers({ block, log, sys }: BlockdContext): Handlers {
  return {
    listDisks: async ({ systemDevices }) => ({ body: { disks: await listDisks(systemDevices, sys) } }),
    wipeDevice: async ({ method }, { descriptors, signal }) => {
      const [device] = descriptors;
      if (!device) throw new ControlError('INVALID_ARGUMENT', 'no device');
      try {
        const marks = await wipe(block, device, method, signal);
        log(`wiped a device (${method}): ${marks.join(', ') || 'it had no marks'}`);
        return { body: { marks } };
      } catch (cause) {
        log(`a device was not wiped (${method}): ${errorMessage(cause)}`);
        throw new ControlError('FAILED_PRECONDITION', errorMessage(cause), { cause });
      }
    },
  };
}
