import { TalosError } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';

/** More than PID 1 needs to kill one that does not end by itself. */
const PATIENCE_MS = 30 * SECOND_MS;

/**
 * Stops a service of PID 1 that machined looks after; resolves when it has ended, at once where it does not run.
 * @throws TalosError ERR_SERVICE  it does not end · ControlError NOT_FOUND  there is no such service · others of init
 */
export async function stopService(init: Pick<ControlClient, 'request'>, id: string): Promise<void> {
  const request = { id, action: 'STOP', untilEnded: true } as const;
  try {
    await init.request('controlService', request, { deadlineMs: PATIENCE_MS });
  } catch (error) {
    if (!(error instanceof ControlError && error.kind === 'DEADLINE_EXCEEDED')) throw error;
    throw new TalosError('ERR_SERVICE', `service "${id}" does not stop`, { cause: error });
  }
}
