import { ControlError } from '../../control/errors.js';
import type { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition } from '../../gen/machine/service.js';
import type { FileDescriptor, LogReader, RingSlab } from '../../native/contract.js';
import type { Caller, OsdContext } from '../context.js';
import type { DataStream } from '../data-stream.js';
import { queryStream } from '../queries.js';
import { checkNamespace, checkServiceId, listServices } from './services.js';

/** Slabs that one client may hold: one on its way while the next is filled. */
export const MAX_SLABS_IN_FLIGHT = 2;

const KUBELET = 'kubelet';

export async function logsContainers(context: OsdContext): Promise<machine.LogsContainersResponse.$Properties> {
  const ids = (await listServices(context)).map((service) => service.id);
  return { messages: [{ metadata: { hostname: context.hostname() }, ids }] };
}

/**
 * Streams the log of a service from its ring, a slab a message; that of a pod's container is machined's to read. Ends with the newest line of the moment of the call, or with `follow` when the client goes.
 * What was overwritten before this client came to it is told in a message of its own without bytes, where it is missing.
 * @throws RpcError NOT_FOUND no such log; its text names those that there are
 */
export async function logs(
  context: OsdContext,
  request: machine.LogsRequest,
  stream: DataStream,
  caller: Caller,
): Promise<void> {
  // The kubelet is a service wherever it is looked for, as clients of Talos know it.
  if (checkNamespace(request.namespace) !== 'system' && request.id !== KUBELET) {
    const { path, requestSerialize } = MachineServiceDefinition.Logs;
    stream.open();
    return await queryStream(context, path, requestSerialize(request), caller, stream);
  }
  const { reader, close } = await openLog(context, request.id, request.follow);
  try {
    // Waiting for the doorbell ends when the reader is closed.
    stream.signal.addEventListener('abort', close, { once: true });
    stream.signal.throwIfAborted();
    if (request.tailLines < 0) reader.seekStart();
    else reader.seekTail(request.tailLines);
    // osd's own log grows by every call, this one too: whoever asked for three lines must not get four.
    if (!request.follow) reader.stopAtHead();
    // The headers tell the client that its place is taken: what is written from here on reaches it or is counted.
    stream.open();
    await pump(context, reader, request.follow, stream);
    await stream.flushed();
  } finally {
    stream.signal.removeEventListener('abort', close);
    close();
  }
}

async function pump(context: OsdContext, reader: LogReader, follow: boolean, stream: DataStream): Promise<void> {
  for (;;) {
    await stream.ready();
    // In most turns there is time, and no await: nothing is slower then.
    const turn = context.turns.next();
    if (turn !== undefined) await turn;
    const slab = context.slabs.take();
    const found = reader.read(slab.payload);
    if (found.missedRecords > 0 || found.missedBytes > 0) {
      stream.send(missed(context, found));
    }
    if (found.bytes > 0) stream.send(slab.message(found.bytes), () => context.slabs.give(slab));
    else context.slabs.give(slab);

    if (found.bytes > 0 || found.missedRecords > 0) continue;
    if (!follow) return;
    await reader.wait();
  }
}

function missed(context: OsdContext, found: RingSlab) {
  const error = `missed ${found.missedRecords} records, ${found.missedBytes} bytes`;
  return { metadata: { hostname: context.hostname(), error } };
}

async function openLog(
  context: OsdContext,
  id: string,
  follow: boolean,
): Promise<{ reader: LogReader; close: () => void }> {
  const { body, descriptors } = await requestLog(context, id, follow);
  const [memory, doorbell, ...others] = descriptors;
  for (const other of others) other.close();
  const endSubscription = () => {
    if (!follow) return;
    // The subscription ends with the connection if this should fail.
    context.init.request('closeLog', { subscription: body.subscription }).catch(() => {});
  };
  let reader: LogReader;
  try {
    if (!memory || follow !== (doorbell !== undefined)) throw new Error('init sent the wrong descriptors for a log');
    reader = context.ring.openReader(doorbell ? { memory, doorbell } : { memory });
  } catch (error) {
    memory?.close();
    doorbell?.close();
    endSubscription();
    throw error;
  }
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    reader.close();
    endSubscription();
  };
  return { reader, close };
}

async function requestLog(
  context: OsdContext,
  id: string,
  follow: boolean,
): Promise<{ body: { subscription: number }; descriptors: FileDescriptor[] }> {
  try {
    return await context.init.request('openLog', { id, follow });
  } catch (error) {
    if (error instanceof ControlError && error.kind === 'NOT_FOUND') await checkServiceId(context, id);
    throw error;
  }
}
