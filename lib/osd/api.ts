import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { google, machine } from '../gen/machine/machine.js';
import { MachineServiceDefinition } from '../gen/machine/service.js';
import { RULES, SERVICE_PATH } from './authorisation.js';
import type { Caller, OsdContext } from './context.js';
import { type DataMessage, metadataField, serializeData } from './data-message.js';
import { DataStream } from './data-stream.js';
import { callerOf, type IdentityLookup } from './gate.js';
import { dmesg, MAX_RECORDS_IN_FLIGHT } from './handlers/dmesg.js';
import { logs, logsContainers, MAX_SLABS_IN_FLIGHT } from './handlers/logs.js';
import { reboot, shutdown } from './handlers/power.js';
import { containers, controlService, serviceList } from './handlers/services.js';
import { hostname, version } from './handlers/version.js';
import { checkTarget, localAddresses } from './node-target.js';
import { RpcError, toStatus } from './status.js';

/** Asks for many kernel log records a message. */
const BATCH_METADATA = 'x-osctl-batch';

type Empty = google.protobuf.Empty;
type Unary<Request> = (request: Request, caller: Caller) => unknown;
type Streaming<Request> = (request: Request, stream: DataStream, metadata: Metadata) => Promise<void>;

/**
 * The calls of MachineService that this node knows by name, so that the gate decides about each of them; those without a handler
 * answer UNIMPLEMENTED to whoever is allowed to call them.
 */
export function serviceDefinition(): ServiceDefinition {
  const passBytes = (bytes: Buffer) => bytes;
  const unknown: Record<string, unknown> = {};
  for (const name of Object.keys(RULES)) {
    unknown[name] = {
      path: SERVICE_PATH + name,
      requestStream: false,
      responseStream: true,
      requestSerialize: passBytes,
      requestDeserialize: passBytes,
      responseSerialize: passBytes,
      responseDeserialize: passBytes,
    };
  }
  const { Logs, Dmesg } = MachineServiceDefinition;
  return {
    ...unknown,
    ...MachineServiceDefinition,
    Logs: { ...Logs, responseSerialize: serializeData },
    Dmesg: { ...Dmesg, responseSerialize: serializeData },
  } as ServiceDefinition;
}

/** The handlers, each behind what all calls have in common: target node, caller, failures as statuses. */
export function serviceImplementation(context: OsdContext, lookup: IdentityLookup): UntypedServiceImplementation {
  const unary = <Request>(handler: Unary<Request>) => unaryCall(context, lookup, handler);
  const streaming = <Request>(maxInFlight: number, handler: Streaming<Request>) =>
    streamingCall(context, lookup, maxInFlight, handler);
  const implemented: UntypedServiceImplementation = {
    Version: unary<Empty>(() => version(context)),
    Hostname: unary<Empty>(() => hostname(context)),
    Containers: unary<machine.ContainersRequest>((request) => containers(context, request)),
    ServiceList: unary<Empty>(() => serviceList(context)),
    ServiceStart: unary<machine.ServiceStartRequest>(({ id }) => controlService(context, id, 'START')),
    ServiceStop: unary<machine.ServiceStopRequest>(({ id }) => controlService(context, id, 'STOP')),
    ServiceRestart: unary<machine.ServiceRestartRequest>(({ id }) => controlService(context, id, 'RESTART')),
    LogsContainers: unary<Empty>(() => logsContainers(context)),
    Reboot: unary<machine.RebootRequest>((request, caller) => reboot(context, request, caller)),
    Shutdown: unary<machine.ShutdownRequest>((request, caller) => shutdown(context, request, caller)),
    Logs: streaming<machine.LogsRequest>(MAX_SLABS_IN_FLIGHT, (request, stream) => logs(context, request, stream)),
    Dmesg: streaming<machine.DmesgRequest>(MAX_RECORDS_IN_FLIGHT, (request, stream, metadata) =>
      dmesg(context, request, stream, metadata.get(BATCH_METADATA).length > 0),
    ),
  };
  for (const [name, { responseStream }] of Object.entries(serviceDefinition())) {
    const missing = () => {
      throw new RpcError(status.UNIMPLEMENTED, `this node does not serve ${name}`);
    };
    implemented[name] ??= responseStream ? streaming(1, missing) : unary(missing);
  }
  return implemented;
}

function unaryCall<Request>(
  context: OsdContext,
  lookup: IdentityLookup,
  handler: Unary<Request>,
): handleUnaryCall<Request, unknown> {
  return async (call, callback) => {
    try {
      checkTarget(call.metadata, call.getHost(), () => names(context));
      const identity = callerOf(call, lookup);
      if (!identity) throw new RpcError(status.UNAUTHENTICATED, 'the connection is gone');
      callback(null, await handler(call.request, { identity, peer: call.getPeer() }));
    } catch (error) {
      callback(failure(context, call.getPath(), error));
    }
  };
}

function streamingCall<Request>(
  context: OsdContext,
  lookup: IdentityLookup,
  maxInFlight: number,
  handler: Streaming<Request>,
): handleServerStreamingCall<Request, DataMessage> {
  return async (call) => {
    const client = new AbortController();
    const gone = () => client.abort(new RpcError(status.CANCELLED, 'the client has gone'));
    call.once('cancelled', gone);
    call.once('close', gone);
    const goingDown = () => client.abort(new RpcError(status.UNAVAILABLE, 'the node is going down'));
    context.shutdown.addEventListener('abort', goingDown, { once: true });
    let release: (() => void) | undefined;
    try {
      if (context.shutdown.aborted) goingDown();
      checkTarget(call.metadata, call.getHost(), () => names(context));
      const identity = callerOf(call, lookup);
      if (!identity) throw new RpcError(status.UNAUTHENTICATED, 'the connection is gone');
      release = context.streams.take(identity.fingerprint);
      context.slabs.setMetadata(metadataField(context.hostname()));
      await handler(call.request, new DataStream(call, maxInFlight, client.signal), call.metadata);
      call.end();
    } catch (error) {
      const reason = client.signal.aborted ? client.signal.reason : error;
      if (!call.destroyed) call.emit('error', failure(context, call.getPath(), reason));
    } finally {
      release?.();
      context.shutdown.removeEventListener('abort', goingDown);
    }
  };
}

function names(context: OsdContext) {
  return { hostname: context.hostname(), addresses: localAddresses() };
}

/** What the client is told; causes that it must not know go to our own log. */
function failure(context: OsdContext, path: string, error: unknown): Error & { code: status; details: string } {
  const { code, details, isOurFault } = toStatus(error);
  if (isOurFault) context.log(`${path} failed: ${describe(error)}`);
  return Object.assign(new Error(details), { code, details });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
