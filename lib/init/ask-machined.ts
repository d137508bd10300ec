/** What PID 1 asks of anybody: of machined, on the way down, over a connection made for it. */
import { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { MethodName, RequestOf } from '../control/protocol.js';
import type { ServerConnection } from '../control/server.js';
import type { NativeAddon } from '../native/contract.js';
import { INIT_ID } from './definition.js';
import type { WipeRequest } from './exit-funnel.js';

/** A disk that does not discard quickly is not waited for longer; less than the exit funnel's patience. */
const WIPE_DEADLINE_MS = 590_000;
/** Less than the exit funnel's patience: the kubelet has ended before, within its own. A control plane has ten containers, whose tasks are removed one by one in the shims. */
const STOP_DEADLINE_MS = 24_000;
/** Less than the exit funnel's patience, and more than machined's own: half a minute to cordon the node, and five for its pods. */
const DRAIN_DEADLINE_MS = 345_000;

/**
 * Has machined wipe disks.
 * @param connection  machined's, to pass it the end of the new one
 * @throws ControlError  machined does not run · what it says
 */
export function askToWipe(
  native: Pick<NativeAddon, 'channel'>,
  connection: ServerConnection | undefined,
  { disks, partitions }: WipeRequest,
): Promise<void> {
  const problem = 'machined does not run: no disk was wiped';
  const request = { disks: [...disks], partitions: [...partitions] };
  return ask(native, connection, 'wipeDisks', request, WIPE_DEADLINE_MS, problem);
}

/** Has machined end what runs in containers, and start none any more. @throws as askToWipe */
export function askToStopContainers(
  native: Pick<NativeAddon, 'channel'>,
  connection: ServerConnection | undefined,
): Promise<void> {
  return ask(
    native,
    connection,
    'stopContainers',
    {},
    STOP_DEADLINE_MS,
    'machined does not run: no container was ended',
  );
}

/**
 * Has machined move pods away from this node.
 * @param signal  ends the wait: somebody wants the node down sooner
 * @throws as askToWipe
 */
export function askToDrain(
  native: Pick<NativeAddon, 'channel'>,
  connection: ServerConnection | undefined,
  signal: AbortSignal,
): Promise<void> {
  const problem = 'machined does not run: no pod was moved away';
  return ask(native, connection, 'drainNode', {}, DRAIN_DEADLINE_MS, problem, signal);
}

async function ask<M extends MethodName>(
  native: Pick<NativeAddon, 'channel'>,
  connection: ServerConnection | undefined,
  method: M,
  body: RequestOf<M>,
  deadlineMs: number,
  problem: string,
  signal?: AbortSignal,
): Promise<void> {
  const [ownEnd, machinedsEnd] = native.channel.pair();
  const isTold = connection?.sendEvent({ kind: 'peerConnected', peer: INIT_ID }, [machinedsEnd]) ?? false;
  machinedsEnd.close();
  if (!isTold) {
    ownEnd.close();
    throw new ControlError('UNAVAILABLE', problem);
  }
  const client = new ControlClient(ownEnd, { channels: native.channel });
  // Whoever works on it learns from its end that nobody waits any more.
  signal?.addEventListener('abort', () => client.close(), { once: true });
  try {
    await client.request(method, body, { deadlineMs });
  } finally {
    client.close();
  }
}
