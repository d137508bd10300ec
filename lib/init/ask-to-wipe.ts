import { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { ServerConnection } from '../control/server.js';
import type { NativeAddon } from '../native/contract.js';
import { INIT_ID } from './definition.js';

/** A disk that does not discard quickly is not waited for longer; less than the exit funnel's patience. */
const WIPE_DEADLINE_MS = 590_000;

/**
 * Has machined wipe disks, over a connection made for it: the only thing that PID 1 asks of anybody.
 * @param connection  machined's, to pass it the end of the new one
 * @throws ControlError  machined does not run · what it says
 */
export async function askToWipe(
  native: Pick<NativeAddon, 'channel'>,
  connection: ServerConnection | undefined,
  disks: readonly string[],
): Promise<void> {
  const [ownEnd, machinedsEnd] = native.channel.pair();
  const isTold = connection?.sendEvent({ kind: 'peerConnected', peer: INIT_ID }, [machinedsEnd]) ?? false;
  machinedsEnd.close();
  if (!isTold) {
    ownEnd.close();
    throw new ControlError('UNAVAILABLE', 'machined does not run: no disk was wiped');
  }
  const client = new ControlClient(ownEnd, { channels: native.channel });
  try {
    await client.request('wipeDisks', { disks: [...disks] }, { deadlineMs: WIPE_DEADLINE_MS });
  } finally {
    client.close();
  }
}
