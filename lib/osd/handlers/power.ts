import { randomUUID } from 'node:crypto';
import type { PowerAction } from '../../control/protocol.js';
import { machine } from '../../gen/machine/machine.js';
import type { Caller, OsdContext } from '../context.js';

/** init takes the order and goes on by itself; the reply leaves while services are still being stopped. */
async function power(context: OsdContext, caller: Caller, action: PowerAction, force: boolean): Promise<string> {
  const actorId = randomUUID();
  const name = caller.identity.commonName === '' ? '' : ` (${JSON.stringify(caller.identity.commonName)})`;
  const reason = `${action === 'REBOOT' ? 'reboot' : 'shutdown'} over the API by ${caller.peer}${name}`;
  await context.init.request('power', { action, force, actorId, reason });
  return actorId;
}

/** A power cycle is what an ordinary reboot of ours is already: through the firmware. */
export async function reboot(
  context: OsdContext,
  request: machine.RebootRequest,
  caller: Caller,
): Promise<machine.RebootResponse.$Properties> {
  const actorId = await power(context, caller, 'REBOOT', request.mode === machine.RebootRequest.Mode.FORCE);
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}

/** `force` of a shutdown skips the draining of pods, not the orderly stop of services: there are no pods to drain yet. */
export async function shutdown(
  context: OsdContext,
  _request: machine.ShutdownRequest,
  caller: Caller,
): Promise<machine.ShutdownResponse.$Properties> {
  const actorId = await power(context, caller, 'SHUTDOWN', false);
  return { messages: [{ metadata: { hostname: context.hostname() }, actorId }] };
}
