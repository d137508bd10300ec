import { KIB } from '../base/units.js';
import { common } from '../gen/machine/machine.js';

/** Payload of one message on the fast path: large enough that per-message work does not show, small enough for many clients. */
export const SLAB_BYTES = 128 * KIB;

/** Protobuf: field 2 of common.Data, length-delimited. */
const BYTES_TAG = 0x12;
const MAX_LENGTH_BYTES = 5;

/**
 * A buffer that a reader fills at `payload` and that is then, with its header written in front, an encoded common.Data.
 * The protobuf writer would copy the payload once more.
 */
export class Slab {
  readonly payload: Uint8Array;
  private readonly buffer: Buffer;
  private readonly headroom: number;

  /** @param metadata  encoded field 1, as `metadataField` makes it */
  constructor(
    private readonly metadata: Uint8Array,
    payloadBytes = SLAB_BYTES,
  ) {
    this.headroom = metadata.length + 1 + MAX_LENGTH_BYTES;
    this.buffer = Buffer.allocUnsafeSlow(this.headroom + payloadBytes);
    this.payload = this.buffer.subarray(this.headroom);
  }

  carries(metadata: Uint8Array): boolean {
    return this.metadata === metadata;
  }

  /** The message with the first `bytes` bytes of the payload; valid until the payload is written again. */
  message(bytes: number): Buffer {
    const length: number[] = [];
    let rest = bytes;
    for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
    length.push(rest);
    const start = this.headroom - this.metadata.length - 1 - length.length;
    this.buffer.set(this.metadata, start);
    this.buffer[start + this.metadata.length] = BYTES_TAG;
    this.buffer.set(length, this.headroom - length.length);
    return this.buffer.subarray(start, this.headroom + bytes);
  }
}

/** Encoded `metadata` of a common.Data from this node. */
export function metadataField(hostname: string): Uint8Array {
  return common.Data.encode({ metadata: { hostname } }).finish();
}

/** Handlers write either a message or what is an encoded one already. */
export type DataMessage = common.Data.$Properties | Buffer;

/** For the service table: passes encoded messages through. */
export function serializeData(message: DataMessage): Buffer {
  return Buffer.isBuffer(message) ? message : (common.Data.encode(message).finish() as Buffer);
}
