import { type ServiceDefinition, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { google, grpc, machine, time } from '../gen/machine/machine.js';
import {
  HealthDefinition,
  MachineServiceDefinition,
  NetworkServiceDefinition,
  StorageServiceDefinition,
  TimeServiceDefinition,
} from '../gen/machine/service.js';
import { Calls } from './calls.js';
import type { OsdContext } from './context.js';
import type { IdentityLookup } from './gate.js';
import { dmesg, MAX_RECORDS_IN_FLIGHT } from './handlers/dmesg.js';
import { events, MAX_EVENTS_IN_FLIGHT } from './handlers/events.js';
import { figureHandlers } from './handlers/figures.js';
import { checkHealth, watchHealth } from './handlers/health.js';
import { logs, logsContainers, MAX_SLABS_IN_FLIGHT } from './handlers/logs.js';
import { reboot, reset, shutdown } from './handlers/power.js';
import { containers, controlService, restart, serviceList } from './handlers/services.js';
import { TimeHandlers } from './handlers/time.js';
import { hostname, version } from './handlers/version.js';
import { PASSED_ON } from './passed-on.js';
import { MAX_ITEMS_IN_FLIGHT, query, queryStream } from './queries.js';
import { RpcError } from './status.js';
import { UNSERVED } from './unserved.js';

/** Asks for many kernel log records a message. */
const BATCH_METADATA = 'x-osctl-batch';

type Empty = google.protobuf.Empty;

/** A call as the generated tables have it. */
interface Method {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(message: unknown): Buffer;
}

/** Every service of the API, with all of its calls. */
export const SERVICES: readonly Readonly<Record<string, Method>>[] = [
  MachineServiceDefinition,
  NetworkServiceDefinition,
  StorageServiceDefinition,
  TimeServiceDefinition,
  HealthDefinition,
] as unknown as Readonly<Record<string, Method>>[];

/** The services with their handlers. Each call is served here, passed on to machined, or refused with a sentence: a new one fails closed. */
export function apiServices(
  context: OsdContext,
  lookup: IdentityLookup,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[] {
  const calls = new Calls(context, lookup);
  const own = { ...ownHandlers(context, calls), ...healthHandlers(context, calls), ...timeHandlers(context, calls) };
  return SERVICES.map((service) => ({
    definition: Object.fromEntries(
      Object.entries(service).map(([name, method]) => [name, servedDefinition(method)]),
    ) as unknown as ServiceDefinition,
    implementation: Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        own[method.path] ??
          (PASSED_ON.has(method.path) ? passedOn(context, calls, method) : refused(calls, name, method)),
      ]),
    ) as UntypedServiceImplementation,
  }));
}

/** Handlers may answer with encoded messages; requests that are passed on are not decoded here. */
function servedDefinition(method: Method): Method {
  return {
    ...method,
    requestDeserialize: PASSED_ON.has(method.path) ? (bytes) => bytes : method.requestDeserialize,
    responseSerialize: (message) => (Buffer.isBuffer(message) ? message : method.responseSerialize(message)),
  };
}

function ownHandlers(context: OsdContext, calls: Calls): Record<string, UntypedServiceImplementation[string]> {
  const { unary, streaming } = { unary: calls.unary.bind(calls), streaming: calls.streaming.bind(calls) };
  const api = MachineServiceDefinition;
  const figures = Object.entries(figureHandlers()).map(([path, figure]) => [path, unary<Empty>(() => figure(context))]);
  return {
    ...Object.fromEntries(figures),
    [api.Version.path]: unary<Empty>(() => version(context)),
    [api.Hostname.path]: unary<Empty>(() => hostname(context)),
    [api.Containers.path]: unary<machine.ContainersRequest>((request, caller) => containers(context, request, caller)),
    [api.ServiceList.path]: unary<Empty>(() => serviceList(context)),
    [api.ServiceStart.path]: unary<machine.ServiceStartRequest>(({ id }) => controlService(context, id, 'START')),
    [api.ServiceStop.path]: unary<machine.ServiceStopRequest>(({ id }) => controlService(context, id, 'STOP')),
    [api.ServiceRestart.path]: unary<machine.ServiceRestartRequest>(({ id }) => controlService(context, id, 'RESTART')),
    [api.LogsContainers.path]: unary<Empty>(() => logsContainers(context)),
    [api.Restart.path]: unary<machine.RestartRequest>((request, caller) => restart(context, request, caller)),
    [api.Reboot.path]: unary<machine.RebootRequest>((request, caller) => reboot(context, request, caller)),
    [api.Shutdown.path]: unary<machine.ShutdownRequest>((request, caller) => shutdown(context, request, caller)),
    [api.Reset.path]: unary<machine.ResetRequest>((request, caller) => reset(context, request, caller)),
    [api.Events.path]: streaming<machine.EventsRequest>(
      MAX_EVENTS_IN_FLIGHT,
      (request, stream) => events(context, request, stream),
      { outlivesShutdown: true },
    ),
    [api.Logs.path]: streaming<machine.LogsRequest>(MAX_SLABS_IN_FLIGHT, (request, stream, { caller }) =>
      logs(context, request, stream, caller),
    ),
    [api.Dmesg.path]: streaming<machine.DmesgRequest>(MAX_RECORDS_IN_FLIGHT, (request, stream, { metadata }) =>
      dmesg(context, request, stream, metadata.get(BATCH_METADATA).length > 0),
    ),
  };
}

function healthHandlers(context: OsdContext, calls: Calls): Record<string, UntypedServiceImplementation[string]> {
  const names = new Set(SERVICES.flatMap(Object.values<Method>).map(({ path }) => path.split('/')[1] ?? ''));
  const { Check, Watch } = HealthDefinition;
  type Request = grpc.health.v1.HealthCheckRequest;
  return {
    [Check.path]: calls.unary<Request>((request) => checkHealth(context, names, request)),
    [Watch.path]: calls.streaming<Request>(1, (request, stream) => watchHealth(context, names, request, stream), {
      outlivesShutdown: true,
    }),
  };
}

function timeHandlers(context: OsdContext, calls: Calls): Record<string, UntypedServiceImplementation[string]> {
  const handlers = new TimeHandlers(context);
  const { Time, TimeCheck } = TimeServiceDefinition;
  return {
    [Time.path]: calls.unary<Empty>(() => handlers.first()),
    [TimeCheck.path]: calls.unary<time.TimeRequest>(({ server }) => handlers.named(server)),
  };
}

function passedOn(context: OsdContext, calls: Calls, { path, responseStream }: Method) {
  return responseStream
    ? calls.streaming<Buffer>(MAX_ITEMS_IN_FLIGHT, (request, stream, { caller }) =>
        queryStream(context, path, request, caller, stream),
      )
    : calls.unary<Buffer>((request, caller) => query(context, path, request, caller));
}

function refused(calls: Calls, name: string, { requestStream, responseStream }: Method) {
  const why = (): never => {
    throw new RpcError(status.UNIMPLEMENTED, UNSERVED[name] ?? `this version does not serve ${name}`);
  };
  if (requestStream) return calls.refused(why);
  return responseStream ? calls.streaming(1, why) : calls.unary(why);
}
