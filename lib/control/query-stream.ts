/**
 * The items of a query that does not fit a frame, through a pair of stream sockets: each an encoded QueryItem behind its length (a varint).
 * Not memory that is passed on: what does not fit yet waits with its maker, so neither side ever holds the whole. And not a pipe, whose
 * writer learns that its reader is gone only with the next write: there may be none for hours.
 */
import { Socket } from 'node:net';
import { MIB } from '../base/units.js';
import { control } from '../gen/control/control.js';
import { Reader, Writer } from '../gen/runtime.js';
import type { FileDescriptor } from '../native/contract.js';
import { ControlError } from './errors.js';
import { decodeFailureKind, encodeFailureKind } from './messages.js';

/** Of one item; the reader ends the stream at a longer one. */
export const MAX_ITEM_BYTES = 32 * MIB;
const MAX_VARINT_BYTES = 5;

/**
 * Writes all of `messages` and then whether that was all of them. Waits for the reader; when it is gone, `messages` is ended and nothing is thrown.
 * A ControlError of `messages` reaches the reader; any other as INTERNAL, and is told to `onFault`. Takes over `writeEnd`.
 * @param onGone  called as soon as the reader is gone, whatever `messages` is doing
 */
export async function writeQueryStream(
  writeEnd: FileDescriptor,
  messages: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onFault: (error: unknown) => void,
  onGone: () => void = () => {},
): Promise<void> {
  const socket = new Socket({ fd: writeEnd.releaseNumber(), readable: true, writable: true });
  // Not a race with a promise of the end: that would hold something of each wait until then.
  let wake = () => {};
  socket.on('error', () => {});
  socket
    .on('end', () => socket.destroy())
    .on('close', onGone)
    .on('close', () => wake())
    .on('drain', () => wake())
    .resume();
  const send = async (item: control.QueryItem.$Properties): Promise<boolean> => {
    if (socket.destroyed) return false;
    if (!socket.write(control.QueryItem.encode(item, Writer.create().fork()).ldelim().finish())) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !socket.destroyed;
  };
  try {
    for await (const message of messages) if (!(await send({ message }))) return;
    await send({ end: {} });
  } catch (error) {
    if (!(error instanceof ControlError)) onFault(error);
    await send({ failure: failureOf(error) });
  } finally {
    socket.destroySoon();
  }
}

/**
 * What the other side writes, item by item. Leaving the loop closes the stream, which ends the work at the other end. Takes over `readEnd`.
 * @throws ControlError  what the other side said · UNAVAILABLE it ended before its end · INTERNAL what it sends is no item
 */
export async function* readQueryStream(readEnd: FileDescriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const socket = new Socket({ fd: readEnd.releaseNumber(), readable: true, writable: false });
  const abort = () => socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    for await (const item of items(socket)) {
      if (item.end) return;
      if (item.failure) {
        throw new ControlError(decodeFailureKind(item.failure.kind ?? 0), item.failure.message ?? '');
      }
      yield item.message ?? new Uint8Array();
    }
    signal?.throwIfAborted();
    throw new ControlError('UNAVAILABLE', 'the answer broke off');
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function* items(chunks: AsyncIterable<Buffer>): AsyncGenerator<control.QueryItem> {
  let parts: Buffer[] = [];
  let have = 0;
  let need = 1;
  for await (const chunk of chunks) {
    parts.push(chunk);
    have += chunk.length;
    if (have < need) continue;
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (let size = itemSize(rest); ; size = itemSize(rest)) {
      need = size.header === 0 ? rest.length + 1 : size.header + size.body;
      if (rest.length < need) break;
      yield decode(rest.subarray(size.header, need));
      rest = rest.subarray(need);
    }
    parts = [rest];
    have = rest.length;
  }
}

/** `header` 0: the length itself is not there yet. */
function itemSize(bytes: Buffer): { header: number; body: number } {
  const end = bytes.subarray(0, MAX_VARINT_BYTES).findIndex((byte) => byte < 0x80);
  if (end < 0) {
    if (bytes.length >= MAX_VARINT_BYTES) throw new ControlError('INTERNAL', 'the answer has an item without a length');
    return { header: 0, body: 0 };
  }
  const body = Reader.create(bytes).uint32();
  if (body > MAX_ITEM_BYTES) throw new ControlError('INTERNAL', `the answer has an item of ${body} bytes`);
  return { header: end + 1, body };
}

function decode(bytes: Uint8Array): control.QueryItem {
  try {
    return control.QueryItem.decode(bytes);
  } catch (cause) {
    throw new ControlError('INTERNAL', 'the answer has a malformed item', { cause });
  }
}

function failureOf(error: unknown): control.Failure.$Properties {
  return error instanceof ControlError
    ? { kind: encodeFailureKind(error.kind), message: error.message }
    : { kind: encodeFailureKind('INTERNAL'), message: 'it failed inside' };
}
