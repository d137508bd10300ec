/** What happens on a node, as init publishes it: plain objects, and their form in the control protocol. */
import type { control } from '../gen/control/control.js';

/** A service's state as the machine API names it. */
export type ServiceEventAction = 'WAITING' | 'STARTING' | 'RUNNING' | 'STOPPING' | 'FINISHED' | 'FAILED';
export type MachineStage = 'BOOTING' | 'RUNNING' | 'REBOOTING' | 'SHUTTING_DOWN' | 'RESETTING';

export interface UnmetCondition {
  name: string;
  reason: string;
}

/** Actions and stages are strings here: a peer may be newer than we are. */
export type NodeEventPayload =
  /** Boot, reboot, shutdown, reset: NOOP, START, STOP. `error` is empty unless it failed. */
  | { kind: 'sequence'; name: string; action: string; error: string }
  /** Part of the boot: START, STOP. */
  | { kind: 'phase'; name: string; action: string }
  /** Part of the way down: START, STOP. */
  | { kind: 'task'; name: string; action: string }
  | {
      kind: 'service';
      service: string;
      action: string;
      message: string;
      healthUnknown: boolean;
      healthy: boolean;
      healthMessage: string;
      healthChangeMs: number;
    }
  | { kind: 'config-not-loaded'; error: string }
  | { kind: 'config-not-valid'; error: string }
  | { kind: 'address'; hostname: string; addresses: string[] }
  | { kind: 'machine-status'; stage: string; ready: boolean; unmet: UnmetCondition[] };

export interface NodeEvent {
  /** From 1 with each boot, without gaps. */
  sequence: number;
  /** Unique among all boots (lib/base/event-id.ts). */
  id: string;
  /** '' when nobody asked for it over the API. */
  actorId: string;
  /** Of the wall clock. */
  timeMs: number;
  payload: NodeEventPayload;
}

type Wire = control.NodeEvent.$Properties;

export function wireNodeEvent({ payload, ...event }: NodeEvent): Wire {
  return { ...event, ...wirePayload(payload) };
}

function wirePayload(payload: NodeEventPayload): Wire {
  switch (payload.kind) {
    case 'sequence':
      return { sequenceStep: { name: payload.name, action: payload.action, error: payload.error } };
    case 'phase':
    case 'task':
      return { [payload.kind]: { name: payload.name, action: payload.action } };
    case 'service': {
      const { kind: _kind, ...service } = payload;
      return { service };
    }
    case 'config-not-loaded':
      return { configNotLoaded: payload.error };
    case 'config-not-valid':
      return { configNotValid: payload.error };
    case 'address':
      return { address: { hostname: payload.hostname, addresses: payload.addresses } };
    case 'machine-status':
      return { machineStatus: { stage: payload.stage, ready: payload.ready, unmet: payload.unmet } };
  }
}

/** @throws Error  for a payload that this build does not know: to leave it out would look like a loss */
export function plainNodeEvent(event: Wire): NodeEvent {
  return {
    sequence: Number(event.sequence ?? 0),
    id: event.id ?? '',
    actorId: event.actorId ?? '',
    timeMs: Number(event.timeMs ?? 0),
    payload: plainPayload(event),
  };
}

function plainPayload(event: Wire): NodeEventPayload {
  const { sequenceStep, phase, task, service, address, machineStatus } = event;
  if (sequenceStep) return { kind: 'sequence', ...plainStep(sequenceStep), error: sequenceStep.error ?? '' };
  if (phase) return { kind: 'phase', ...plainStep(phase) };
  if (task) return { kind: 'task', ...plainStep(task) };
  if (service) {
    return {
      kind: 'service',
      service: service.service ?? '',
      action: service.action ?? '',
      message: service.message ?? '',
      healthUnknown: service.healthUnknown ?? false,
      healthy: service.healthy ?? false,
      healthMessage: service.healthMessage ?? '',
      healthChangeMs: Number(service.healthChangeMs ?? 0),
    };
  }
  if (address) {
    return { kind: 'address', hostname: address.hostname ?? '', addresses: [...(address.addresses ?? [])] };
  }
  if (machineStatus) {
    return {
      kind: 'machine-status',
      stage: machineStatus.stage ?? '',
      ready: machineStatus.ready ?? false,
      unmet: (machineStatus.unmet ?? []).map(({ name, reason }) => ({ name: name ?? '', reason: reason ?? '' })),
    };
  }
  if (event.configNotLoaded != null) return { kind: 'config-not-loaded', error: event.configNotLoaded };
  if (event.configNotValid != null) return { kind: 'config-not-valid', error: event.configNotValid };
  throw new Error('a node event of an unknown kind');
}

function plainStep({ name, action }: control.NodeEvent.Step.$Properties): { name: string; action: string } {
  return { name: name ?? '', action: action ?? '' };
}
