import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { SECOND_MS } from '../../base/units.js';
import type { Service, ServiceAction } from '../../control/protocol.js';
import { type google, machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import type { Caller, OsdContext } from '../context.js';
import { query } from '../queries.js';
import { RpcError } from '../status.js';

const SYSTEM = 'system';
const KUBERNETES = 'k8s.io';
/** The list of services does not wait longer for that of containers. */
const RUNTIME_PATIENCE_MS = 5 * SECOND_MS;
/** A service may take its stop timeout to stop, and a restart is a stop and a start. */
const CONTROL_DEADLINE_MS = 60 * SECOND_MS;

/** All services, as init has them. */
export async function listServices(context: OsdContext): Promise<Service[]> {
  return (await context.init.request('listServices', {})).body.services;
}

/** Checks a namespace as the API has them; empty means system. @throws RpcError INVALID_ARGUMENT */
export function checkNamespace(namespace: string): 'system' | 'k8s.io' {
  if (namespace === '' || namespace === SYSTEM) return SYSTEM;
  if (namespace === KUBERNETES) return KUBERNETES;
  throw new RpcError(
    status.INVALID_ARGUMENT,
    `no namespace ${JSON.stringify(namespace)}: there are ${SYSTEM} and ${KUBERNETES}`,
  );
}

/**
 * What runs: in the namespace system the services that init has, those in containers among them, and whatever else is in containerd's. A node whose
 * containerd does not answer still has services; its pods cannot be told.
 */
export async function containers(
  context: OsdContext,
  request: machine.ContainersRequest,
  caller: Caller,
): Promise<machine.ContainersResponse.$Properties> {
  const namespace = checkNamespace(request.namespace);
  if (namespace === KUBERNETES) return await runtimeContainers(context, namespace, caller);
  const [services, others] = await Promise.all([
    listServices(context),
    inTime(runtimeContainers(context, namespace, caller)),
  ]);
  const listed = services.map(
    (service): machine.ContainerInfo.$Properties => ({
      namespace,
      id: service.id,
      // Clients take an id that differs from its pod's for a container inside that pod.
      podId: service.id,
      name: service.id,
      image: service.image,
      pid: service.pid,
      status: service.state.toUpperCase(),
    }),
  );
  const known = new Set(services.map(({ id }) => id));
  const more = (others?.messages?.[0]?.containers ?? []).filter(({ id }) => !known.has(id ?? ''));
  return { messages: [{ metadata: { hostname: context.hostname() }, containers: [...listed, ...more] }] };
}

/** What is not told in time is left out. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  const patience = new AbortController();
  try {
    return await Promise.race([work, sleep(RUNTIME_PATIENCE_MS, undefined, { signal: patience.signal })]);
  } catch {
    return undefined;
  } finally {
    patience.abort();
  }
}

/** As machined has them from containerd. */
async function runtimeContainers(
  context: OsdContext,
  namespace: string,
  caller: Caller,
): Promise<machine.ContainersResponse> {
  const request = api.Containers.requestSerialize({ namespace });
  return machine.ContainersResponse.decode(await query(context, api.Containers.path, request, caller));
}

export async function serviceList(context: OsdContext): Promise<machine.ServiceListResponse.$Properties> {
  const services = (await listServices(context)).map(serviceInfo);
  return { messages: [{ metadata: { hostname: context.hostname() }, services }] };
}

/** One service, started, stopped or restarted; the text is init's. */
export async function controlService(
  context: OsdContext,
  id: string,
  action: ServiceAction,
): Promise<{ messages: { metadata: { hostname: string }; resp: string }[] }> {
  await checkServiceId(context, id);
  const { body } = await context.init.request('controlService', { id, action }, { deadlineMs: CONTROL_DEADLINE_MS });
  return { messages: [{ metadata: { hostname: context.hostname() }, resp: body.message }] };
}

/** SIGTERM, after which init starts a service again, machined one in a container, and the kubelet a pod's container. */
export async function restart(
  context: OsdContext,
  request: machine.RestartRequest,
  caller: Caller,
): Promise<machine.RestartResponse.$Properties> {
  const { id } = request;
  const namespace = checkNamespace(request.namespace);
  const services = namespace === SYSTEM ? await listServices(context) : [];
  if (services.some((service) => service.id === id)) {
    await controlService(context, id, 'RESTART');
  } else {
    await query(
      context,
      api.Restart.path,
      api.Restart.requestSerialize({ namespace, id, driver: request.driver }),
      caller,
    );
  }
  return { messages: [{ metadata: { hostname: context.hostname() } }] };
}

/** @throws RpcError NOT_FOUND with the ids that there are */
export async function checkServiceId(context: OsdContext, id: string): Promise<void> {
  const ids = (await listServices(context)).map((service) => service.id);
  if (ids.includes(id)) return;
  throw new RpcError(status.NOT_FOUND, `no service ${JSON.stringify(id)}; there are ${ids.join(', ')}`);
}

function serviceInfo(service: Service): machine.ServiceInfo.$Properties {
  const events = service.events.map((event) => ({
    msg: event.message,
    state: event.state,
    ts: timestamp(event.timeMs),
  }));
  return {
    id: service.id,
    state: service.state,
    events: { events },
    health: {
      unknown: service.healthUnknown,
      healthy: service.healthy,
      lastMessage: service.healthMessage === '' ? service.lastLogLine : service.healthMessage,
      lastChange: timestamp(service.lastChangeMs),
    },
  };
}

function timestamp(timeMs: number): google.protobuf.Timestamp.$Properties {
  const seconds = Math.floor(timeMs / SECOND_MS);
  return { seconds, nanos: Math.round((timeMs - seconds * SECOND_MS) * 1e6) };
}
