import { KIB, MAX_TIMER_MS, MINUTE_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import { MAX_FRAME_BYTES, type QueryRequest } from '../control/protocol.js';
import { readQueryStream } from '../control/query-stream.js';
import { StorageServiceDefinition } from '../gen/machine/service.js';
import type { FileDescriptor } from '../native/contract.js';
import type { Caller, InitClient, OsdContext } from './context.js';
import { metadataField } from './data-message.js';
import type { DataStream } from './data-stream.js';

/** Messages of a passed-on stream that a slow client may hold. */
export const MAX_ITEMS_IN_FLIGHT = 16;
/** Whoever has more patience in machined than that has forgotten its answer. */
const QUERY_DEADLINE_MS = MINUTE_MS;
/** Of calls that take as long as what they are about, zeroing a disk: how long is up to the client. */
const DEADLINES: Readonly<Record<string, number>> = { [StorageServiceDefinition.BlockDeviceWipe.path]: MAX_TIMER_MS };

/** Of a request that goes to machined in its frame: the rest of the frame takes less than what is left. */
const MAX_INLINE_BYTES = MAX_FRAME_BYTES - 4 * KIB;

/** What a query needs of the process. */
export type QueryContext = Pick<OsdContext, 'machined' | 'hostname'>;

/** Protobuf: field 1, length-delimited: `messages` of every response. */
const MESSAGES_TAG = 0x0a;

/**
 * A call that machined answers. What it answers is passed on as it is, behind this node's metadata: neither side's message is decoded here.
 * @param request  encoded
 * @returns the encoded response
 */
export async function query(
  context: QueryContext,
  path: string,
  request: Buffer,
  caller: Caller,
  deadlineMs = DEADLINES[path] ?? QUERY_DEADLINE_MS,
): Promise<Buffer> {
  const machined = await context.machined();
  const { body, descriptors } = await machined.request('query', await carried(machined, path, request, caller), {
    deadlineMs,
  });
  const message = body.streamed ? await onlyItem(oneOf(descriptors)) : body.message;
  for (const unexpected of body.streamed ? [] : descriptors) unexpected.close();
  return response(context, message);
}

/** A stream that machined feeds: each message behind this node's metadata, as far as the client takes them. */
export async function queryStream(
  context: OsdContext,
  path: string,
  request: Buffer,
  caller: Caller,
  stream: DataStream,
): Promise<void> {
  const machined = await context.machined();
  const { descriptors } = await machined.request('openQueryStream', await carried(machined, path, request, caller));
  const metadata = metadataField(context.hostname());
  for await (const message of readQueryStream(oneOf(descriptors), stream.signal)) {
    await stream.ready();
    stream.send(Buffer.concat([metadata, message]));
  }
  await stream.flushed();
}

let uploads = 0;

async function carried(machined: InitClient, path: string, request: Buffer, caller: Caller): Promise<QueryRequest> {
  const { inline, upload } = await sentAhead(machined, request);
  return { path, caller: describeCaller(caller), request: inline, upload };
}

/** Bytes as they cross the socket: what is too large for a frame is sent ahead, piece by piece. */
export async function sentAhead(
  machined: InitClient,
  bytes: Uint8Array,
): Promise<{ inline: Uint8Array; upload: number }> {
  if (bytes.length <= MAX_INLINE_BYTES) return { inline: bytes, upload: 0 };
  const upload = ++uploads;
  for (let at = 0; at < bytes.length; at += MAX_INLINE_BYTES) {
    await machined.request('uploadPart', { upload, data: bytes.subarray(at, at + MAX_INLINE_BYTES) });
  }
  return { inline: new Uint8Array(), upload };
}

async function onlyItem(stream: FileDescriptor): Promise<Uint8Array> {
  for await (const message of readQueryStream(stream)) return message;
  throw new ControlError('INTERNAL', 'machined sent no message');
}

function oneOf(descriptors: readonly FileDescriptor[]): FileDescriptor {
  const [first, ...others] = descriptors;
  for (const other of others) other.close();
  if (!first) throw new ControlError('INTERNAL', 'machined sent no descriptor');
  return first;
}

/** `messages` with the one message: two pieces of an encoded message that follow each other are one message. */
function response(context: QueryContext, message: Uint8Array): Buffer {
  const metadata = metadataField(context.hostname());
  const header = [MESSAGES_TAG];
  let rest = metadata.length + message.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) header.push((rest % 128) | 0x80);
  header.push(rest);
  return Buffer.concat([Buffer.from(header), metadata, message]);
}

function describeCaller({ identity, peer }: Caller): string {
  return identity.commonName === '' ? peer : `${peer} (${JSON.stringify(identity.commonName)})`;
}
