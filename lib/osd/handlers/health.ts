/** grpc.health.v1: whether the API serves. */
import { status } from '@grpc/grpc-js';
import { withSignals } from '../../base/abort.js';
import { grpc } from '../../gen/machine/machine.js';
import type { OsdContext } from '../context.js';
import type { DataStream } from '../data-stream.js';
import { RpcError } from '../status.js';

const { ServingStatus } = grpc.health.v1.HealthCheckResponse;
type Request = Pick<grpc.health.v1.HealthCheckRequest, 'service'>;
type Response = grpc.health.v1.HealthCheckResponse.$Properties;

/** @param names  full names of the services that there are */
export function checkHealth(context: OsdContext, names: ReadonlySet<string>, { service }: Request): Response {
  if (service !== '' && !names.has(service)) {
    throw new RpcError(status.NOT_FOUND, `no service ${JSON.stringify(service)}; there are ${[...names].join(', ')}`);
  }
  return { status: current(context) };
}

/** Now, and when it changes: once, when the node goes down. A service that does not exist will not come to exist either. */
export async function watchHealth(
  context: OsdContext,
  names: ReadonlySet<string>,
  { service }: Request,
  stream: DataStream,
): Promise<void> {
  const isKnown = service === '' || names.has(service);
  await send(stream, isKnown ? current(context) : ServingStatus.SERVICE_UNKNOWN);
  const wasServing = !context.shutdown.aborted;
  if (wasServing) await aborted(context.shutdown, stream.signal);
  if (wasServing && isKnown) await send(stream, ServingStatus.NOT_SERVING);
  await aborted(context.ending, stream.signal);
  await stream.flushed();
  throw new RpcError(status.UNAVAILABLE, 'the API of this node is being stopped');
}

function current(context: OsdContext): number {
  return context.shutdown.aborted ? ServingStatus.NOT_SERVING : ServingStatus.SERVING;
}

async function send(stream: DataStream, value: number): Promise<void> {
  await stream.ready();
  stream.send(grpc.health.v1.HealthCheckResponse.encode({ status: value }).finish() as Buffer);
}

/** Resolves when `signal` is aborted. @throws the reason why the client is gone, if it goes first */
async function aborted(signal: AbortSignal, client: AbortSignal): Promise<void> {
  await withSignals([signal, client], async (either) => {
    if (!either.aborted) await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }));
  });
  client.throwIfAborted();
}
