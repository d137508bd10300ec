/** Events of a node as a client sees them. */
import { machine } from '../gen/machine/machine.js';

export interface NodeEvent {
  id: string;
  /** '' when it follows from no call. */
  actorId: string;
  /** 'TaskEvent'; the whole type URL when it is none that this client knows. */
  type: string;
  /** What it is about: a service, a task, an address. */
  source: string;
  /** What happened. */
  message: string;
  /** Its fields; enums by their names. */
  payload: Record<string, unknown>;
}

const TYPE_PREFIX = 'talos/runtime/machine.';

type Decoded = Pick<NodeEvent, 'source' | 'message' | 'payload'>;

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Decoded>> = {
  SequenceEvent: (bytes) => {
    const { sequence, action: value, error } = machine.SequenceEvent.decode(bytes);
    const action = nameOf(machine.SequenceEvent.Action, value);
    const problem = error?.message ?? '';
    const message = problem === '' ? action : `error: ${problem}`;
    return { source: sequence, message, payload: { sequence, action, ...(problem !== '' && { error: problem }) } };
  },
  PhaseEvent: (bytes) => {
    const { phase, action: value } = machine.PhaseEvent.decode(bytes);
    const action = nameOf(machine.PhaseEvent.Action, value);
    return { source: phase, message: action, payload: { phase, action } };
  },
  TaskEvent: (bytes) => {
    const { task, action: value } = machine.TaskEvent.decode(bytes);
    const action = nameOf(machine.TaskEvent.Action, value);
    return { source: task, message: action, payload: { task, action } };
  },
  ServiceStateEvent: (bytes) => {
    const { service, action: value, message, health } = machine.ServiceStateEvent.decode(bytes);
    const action = nameOf(machine.ServiceStateEvent.Action, value);
    const isKnown = health != null && !health.unknown;
    const payload = { service, action, message, ...(isKnown && { healthy: health.healthy ?? false }) };
    return { source: service, message: `${action}: ${message}`, payload };
  },
  ConfigLoadErrorEvent: (bytes) => problem(machine.ConfigLoadErrorEvent.decode(bytes)),
  ConfigValidationErrorEvent: (bytes) => problem(machine.ConfigValidationErrorEvent.decode(bytes)),
  AddressEvent: (bytes) => {
    const { hostname, addresses } = machine.AddressEvent.decode(bytes);
    const message = `ADDRESSES: ${addresses.join(',')}`;
    return { source: hostname, message, payload: { hostname, addresses: [...addresses] } };
  },
  MachineStatusEvent: (bytes) => {
    const { stage: value, status } = machine.MachineStatusEvent.decode(bytes);
    const stage = nameOf(machine.MachineStatusEvent.MachineStage, value);
    const ready = status?.ready ?? false;
    const unmetConditions = (status?.unmetConditions ?? []).map(({ name, reason }) => ({
      name: name ?? '',
      reason: reason ?? '',
    }));
    const unmet = unmetConditions.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
    const message = `ready: ${ready}${unmet === '' ? '' : `, unmet conditions: ${unmet}`}`;
    return { source: stage, message, payload: { stage, ready, unmetConditions } };
  },
};

/** @returns undefined for the empty message that opens a stream */
export function decodeEvent({ data, id, actorId }: machine.Event): NodeEvent | undefined {
  if (!data) return undefined;
  const url = data.type_url ?? '';
  const type = url.startsWith(TYPE_PREFIX) ? url.slice(TYPE_PREFIX.length) : url;
  const decoder = Object.hasOwn(DECODERS, type) ? DECODERS[type] : undefined;
  const decoded = decoder?.(data.value ?? new Uint8Array()) ?? { source: '', message: '', payload: {} };
  return { id, actorId, type, ...decoded };
}

function problem({ error }: { error: string }): Decoded {
  return { source: 'config', message: `error: ${error}`, payload: { error } };
}

/** A number that this client has no name for is shown as it is. */
function nameOf(type: Record<number, string>, value: number): string {
  return type[value] ?? String(value);
}
