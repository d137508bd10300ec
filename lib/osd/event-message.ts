/** From what init publishes to the messages of the machine API. */
import type { NodeEvent, NodeEventPayload } from '../control/node-event.js';
import { machine } from '../gen/machine/machine.js';

/** What clients of the machine API have in front of a message's name. */
const TYPE_PREFIX = 'talos/runtime/machine.';
const SECOND_MS = 1000;
/** common.Code.FATAL */
const FATAL = 0;

/** An encoded Event. */
export function eventMessage({ id, actorId, payload }: NodeEvent, hostname: string): Buffer {
  const [name, value] = encodePayload(payload);
  return machine.Event.encode({
    metadata: { hostname },
    data: { type_url: `${TYPE_PREFIX}${name}`, value },
    id,
    actorId,
  }).finish() as Buffer;
}

/** An encoded Event without an event: the stream is open, or with `error`, something is missing here. */
export function emptyEvent(hostname: string, actorId: string, error?: string): Buffer {
  return machine.Event.encode({
    metadata: error === undefined ? { hostname } : { hostname, error },
    actorId,
  }).finish() as Buffer;
}

function encodePayload(payload: NodeEventPayload): [name: string, value: Uint8Array] {
  switch (payload.kind) {
    case 'sequence': {
      const { name: sequence, action, error } = payload;
      const type = machine.SequenceEvent;
      const body = { sequence, action: enumValue(type.Action, action) };
      const message = error === '' ? body : { ...body, error: { code: FATAL, message: error } };
      return ['SequenceEvent', type.encode(message).finish()];
    }
    case 'phase': {
      const type = machine.PhaseEvent;
      const message = { phase: payload.name, action: enumValue(type.Action, payload.action) };
      return ['PhaseEvent', type.encode(message).finish()];
    }
    case 'task': {
      const type = machine.TaskEvent;
      return [
        'TaskEvent',
        type.encode({ task: payload.name, action: enumValue(type.Action, payload.action) }).finish(),
      ];
    }
    case 'service':
      return ['ServiceStateEvent', machine.ServiceStateEvent.encode(serviceState(payload)).finish()];
    case 'config-not-loaded':
      return ['ConfigLoadErrorEvent', machine.ConfigLoadErrorEvent.encode({ error: payload.error }).finish()];
    case 'config-not-valid':
      return [
        'ConfigValidationErrorEvent',
        machine.ConfigValidationErrorEvent.encode({ error: payload.error }).finish(),
      ];
    case 'address': {
      const { hostname, addresses } = payload;
      return ['AddressEvent', machine.AddressEvent.encode({ hostname, addresses }).finish()];
    }
    case 'machine-status': {
      const { stage, ready, unmet } = payload;
      const type = machine.MachineStatusEvent;
      const message = { stage: enumValue(type.MachineStage, stage), status: { ready, unmetConditions: unmet } };
      return ['MachineStatusEvent', type.encode(message).finish()];
    }
  }
}

function serviceState(payload: Extract<NodeEventPayload, { kind: 'service' }>): machine.ServiceStateEvent.$Properties {
  const { service, action, message, healthUnknown, healthy, healthMessage, healthChangeMs } = payload;
  const seconds = Math.floor(healthChangeMs / SECOND_MS);
  return {
    service,
    action: enumValue(machine.ServiceStateEvent.Action, action),
    message,
    health: {
      unknown: healthUnknown,
      healthy,
      lastMessage: healthMessage,
      lastChange: { seconds, nanos: Math.round((healthChangeMs - seconds * SECOND_MS) * 1e6) },
    },
  };
}

/** Number of an enum's name; a name that the API does not have is its zero. */
function enumValue(type: Record<string, number | string>, name: string): number {
  const value = Object.hasOwn(type, name) ? type[name] : 0;
  return typeof value === 'number' ? value : 0;
}
