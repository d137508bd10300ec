import { randomUUID } from 'node:crypto';
import { MINUTE_MS } from '../../base/units.js';
import type { PowerAction } from '../../control/protocol.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition } from '../../gen/machine/service.js';
import type { Caller, OsdContext } from '../context.js';
import { query } from '../queries.js';

/** A node that leaves its cluster moves its pods away first, for which it has five minutes. */
const RESET_DEADLINE_MS = 7 * MINUTE_MS;
/** Has what makes a node a member of its cluster. */
const MEMBERSHIP = 'EPHEMERAL';

interface Order {
  action: PowerAction;
  force?: boolean;
  /** Pods are moved away first. */
  drain: boolean;
  /** What is to be wiped; absent: it is no reset. */
  reset?: { disks: string[]; partitions: string[] };
}

/**
 * init takes the order and goes on by itself; the reply leaves while services are still being stopped.
 * @returns the id by which all events of it can be followed
 */
async function power(
  context: OsdContext,
  caller: Caller,
  { action, force = false, drain, reset }: Order,
): Promise<string> {
  const actorId = randomUUID();
  const name = caller.identity.commonName === '' ? '' : ` (${JSON.stringify(caller.identity.commonName)})`;
  const what = reset ? 'reset' : action === 'REBOOT' ? 'reboot' : 'shutdown';
  const reason = `${what} over the API by ${caller.peer}${name}`;
  const { disks = [], partitions = [] } = reset ?? {};
  const wipe = { reset: reset !== undefined, disksToWipe: disks, partitionsToWipe: partitions };
  await context.init.request('power', { action, force, actorId, reason, drain, ...wipe });
  return actorId;
}

/** A power cycle is what an ordinary reboot of ours is already: through the firmware. */
export async function reboot(
  context: OsdContext,
  request: machine.RebootRequest,
  caller: Caller,
): Promise<machine.RebootResponse.$Properties> {
  const force = request.mode === machine.RebootRequest.Mode.FORCE;
  const actorId = await power(context, caller, { action: 'REBOOT', force, drain: !force });
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}

/**
 * Whether it may be done is machined's to say, before anything is: which disks may be wiped. init has it done then.
 * @throws ControlError  what machined says · UNAVAILABLE it does not run
 */
export async function reset(
  context: OsdContext,
  request: machine.ResetRequest,
  caller: Caller,
): Promise<machine.ResetResponse.$Properties> {
  const bytes = machine.ResetRequest.encode(request).finish() as Buffer;
  await query(context, MachineServiceDefinition.Reset.path, bytes, caller, RESET_DEADLINE_MS);
  const partitions = partitionsOf(request);
  const order: Order = {
    action: request.reboot ? 'REBOOT' : 'SHUTDOWN',
    // One that leaves its cluster has moved its pods away by now.
    drain: request.graceful && !partitions.includes(MEMBERSHIP),
    reset: { disks: [...request.userDisksToWipe], partitions },
  };
  const actorId = await power(context, caller, order);
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}

/** Those that are named, or all that the node has, unless it is about other disks only. */
function partitionsOf({ mode, systemPartitionsToWipe }: machine.ResetRequest): string[] {
  if (mode === machine.ResetRequest.WipeMode.USER_DISKS) return [];
  const named = systemPartitionsToWipe.flatMap(({ label, wipe }) => (wipe && label ? [label] : []));
  return systemPartitionsToWipe.length > 0 ? named : ['STATE', 'EPHEMERAL'];
}

/** `force` of a shutdown leaves out that pods are moved away, not the orderly stop of services. */
export async function shutdown(
  context: OsdContext,
  { force }: machine.ShutdownRequest,
  caller: Caller,
): Promise<machine.ShutdownResponse.$Properties> {
  const actorId = await power(context, caller, { action: 'SHUTDOWN', drain: !force });
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}
