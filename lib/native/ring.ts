import { argumentError, checkDescriptor, checkInteger, checkName, checkString } from './arguments.js';
import type { FileDescriptor, LogReader, LogRing, RingModule, RingStats } from './contract.js';

/** What the addon itself exports. */
export interface RawLogRing {
  readonly stats: RingStats;
  attach(pipe: FileDescriptor, stream: string): void;
  drained(): Promise<void>;
  write(text: string | Uint8Array): void;
  subscribe(): { memory: FileDescriptor; doorbell: FileDescriptor; id: number };
  unsubscribe(id: number): void;
  /** Bytes: services write in whatever encoding they like. */
  lastLine(maxBytes: number): Buffer;
  close(): void;
}

export interface RawLogReader {
  seekStart(): void;
  seekTail(lines: number): void;
  stopAtHead(): void;
  /** `counts` gets bytes, records, missed records and missed bytes; `index` three numbers a record. */
  read(buffer: Uint8Array, counts: Float64Array, index: Float64Array | undefined): void;
  wait(): Promise<void>;
  close(): void;
}

export interface RawRingModule {
  create(name: string, sizeBytes: number): RawLogRing;
  openReader(memory: FileDescriptor, doorbell: FileDescriptor | undefined): RawLogReader;
}

/** Where a record comes from, by the number in the index of `LogReader.read`: a service's streams, or PID 1 itself. */
export const RING_STREAMS = { stdout: 1, stderr: 2, system: 3 } as const;
/** Numbers that a record has in that index. */
export const INDEX_NUMBERS = 3;

/** The longest record, and so the smallest buffer for `LogReader.read`. Same as kMaxPayloadBytes in native/ring/format.h. */
export const MAX_RECORD_BYTES = 16 * 1024;
const MIN_SIZE_BYTES = 4096;
const MAX_SIZE_BYTES = 2 ** 30;
const STREAMS: ReadonlySet<string> = new Set(['stdout', 'stderr']);
const RING_NAME = /^[\w.-]{1,64}$/;

/**
 * Log rings; the format and what it promises is in docs/native/ring.md. None of the calls sleeps.
 *
 * `create` @throws EINVAL a size below the page size · ENOENT /proc is not mounted · EMFILE ENOMEM.
 * `attach`, `subscribe` @throws ECANCELED after `close()`.
 * `openReader` @throws EINVAL the memory is not sealed · EBADMSG it is no ring of this version · ENOTSOCK the doorbell is none.
 * `read`, `seekStart`, `seekTail`, `stopAtHead` @throws EBADMSG the memory makes no sense (its writer is broken; close the reader) · ECANCELED
 *   after `close()`.
 */
export function createRingModule(raw: RawRingModule): RingModule {
  return {
    create({ name, sizeBytes }) {
      checkString(name, 'options.name');
      if (!RING_NAME.test(name)) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'options.name', `a name like ${RING_NAME}`, name);
      }
      checkInteger(sizeBytes, 'options.sizeBytes', MIN_SIZE_BYTES, MAX_SIZE_BYTES);
      if (!Number.isInteger(Math.log2(sizeBytes))) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'options.sizeBytes', 'a power of two', sizeBytes);
      }
      return wrapRing(raw.create(name, sizeBytes));
    },
    openReader({ memory, doorbell }) {
      checkDescriptor(memory, 'options.memory');
      if (doorbell !== undefined) checkDescriptor(doorbell, 'options.doorbell');
      return wrapReader(raw.openReader(memory, doorbell));
    },
  };
}

function wrapRing(ring: RawLogRing): LogRing {
  return {
    get stats() {
      return ring.stats;
    },
    attach(pipe, stream) {
      checkDescriptor(pipe, 'pipe');
      checkName(stream, 'stream', STREAMS);
      ring.attach(pipe, stream);
    },
    drained: () => ring.drained(),
    write(text) {
      if (typeof text !== 'string' && !(text instanceof Uint8Array)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'text', 'a string or a Uint8Array', text);
      }
      ring.write(text);
    },
    subscribe() {
      const { memory, doorbell, id } = ring.subscribe();
      return { memory, doorbell, end: () => ring.unsubscribe(id) };
    },
    lastLine(maxBytes) {
      checkInteger(maxBytes, 'maxBytes', 0, MAX_SIZE_BYTES);
      return ring.lastLine(maxBytes).toString('utf8');
    },
    close: () => ring.close(),
  };
}

function wrapReader(reader: RawLogReader): LogReader {
  const counts = new Float64Array(4);
  return {
    seekStart: () => reader.seekStart(),
    seekTail(lines) {
      checkInteger(lines, 'lines', 0);
      reader.seekTail(lines);
    },
    stopAtHead: () => reader.stopAtHead(),
    read(buffer, index) {
      if (!(buffer instanceof Uint8Array)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'buffer', 'a Uint8Array', buffer);
      }
      if (buffer.length < MAX_RECORD_BYTES) {
        throw argumentError(
          'ERR_INVALID_ARG_VALUE',
          'buffer',
          `at least ${MAX_RECORD_BYTES} bytes long`,
          buffer.length,
        );
      }
      if (index !== undefined && !(index instanceof Float64Array)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'index', 'a Float64Array', index);
      }
      if (index !== undefined && index.length < INDEX_NUMBERS) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'index', `at least ${INDEX_NUMBERS} numbers long`, index.length);
      }
      reader.read(buffer, counts, index);
      const [bytes = 0, records = 0, missedRecords = 0, missedBytes = 0] = counts;
      return { bytes, records, missedRecords, missedBytes };
    },
    wait: () => reader.wait(),
    close: () => reader.close(),
  };
}
