import { status } from '@grpc/grpc-js';
import { SECOND_MS } from '../../base/units.js';
import type { Service, ServiceAction } from '../../control/protocol.js';
import type { google, machine } from '../../gen/machine/machine.js';
import type { OsdContext } from '../context.js';
import { RpcError } from '../status.js';

const SYSTEM = 'system';
const KUBERNETES = 'k8s.io';
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

/** Until the node runs containers, the namespace system holds the services that init itself runs. */
export async function containers(
  context: OsdContext,
  request: machine.ContainersRequest,
): Promise<machine.ContainersResponse.$Properties> {
  const namespace = checkNamespace(request.namespace);
  const services = namespace === SYSTEM ? await listServices(context) : [];
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
  return { messages: [{ metadata: { hostname: context.hostname() }, containers: listed }] };
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

/** What a container is restarted by: SIGTERM, after which init starts the service again as its definition says. */
export async function restart(
  context: OsdContext,
  { namespace, id }: machine.RestartRequest,
): Promise<machine.RestartResponse.$Properties> {
  if (checkNamespace(namespace) === KUBERNETES) {
    throw new RpcError(
      status.NOT_FOUND,
      `no container ${JSON.stringify(id)}: nothing runs in ${KUBERNETES}, since this node has no container runtime yet`,
    );
  }
  await controlService(context, id, 'RESTART');
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
