import { randomUUID } from 'node:crypto';
import type { PowerAction } from '../../control/protocol.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition } from '../../gen/machine/service.js';
import type { Caller, OsdContext } from '../context.js';
import { query } from '../queries.js';

interface Order {
  action: PowerAction;
  force?: boolean;
  /** Disks to be wiped; absent: it is no reset. */
  reset?: string[];
}

/**
 * init takes the order and goes on by itself; the reply leaves while services are still being stopped.
 * @returns the id by which all events of it can be followed
 */
async function power(context: OsdContext, caller: Caller, { action, force = false, reset }: Order): Promise<string> {
  const actorId = randomUUID();
  const name = caller.identity.commonName === '' ? '' : ` (${JSON.stringify(caller.identity.commonName)})`;
  const what = reset ? 'reset' : action === 'REBOOT' ? 'reboot' : 'shutdown';
  const reason = `${what} over the API by ${caller.peer}${name}`;
  const order = { action, force, actorId, reason, reset: reset !== undefined, disksToWipe: reset ?? [] };
  await context.init.request('power', order);
  return actorId;
}

/** A power cycle is what an ordinary reboot of ours is already: through the firmware. */
export async function reboot(
  context: OsdContext,
  request: machine.RebootRequest,
  caller: Caller,
): Promise<machine.RebootResponse.$Properties> {
  const actorId = await power(context, caller, {
    action: 'REBOOT',
    force: request.mode === machine.RebootRequest.Mode.FORCE,
  });
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
  await query(context, MachineServiceDefinition.Reset.path, bytes, caller);
  const order: Order = { action: request.reboot ? 'REBOOT' : 'SHUTDOWN', reset: [...request.userDisksToWipe] };
  const actorId = await power(context, caller, order);
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}

/** `force` of a shutdown skips the draining of pods, not the orderly stop of services: there are no pods to drain yet. */
export async function shutdown(
  context: OsdContext,
  _request: machine.ShutdownRequest,
  caller: Caller,
): Promise<machine.ShutdownResponse.$Properties> {
  const actorId = await power(context, caller, { action: 'SHUTDOWN' });
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}
