/** Log rings: the writer in PID 1, readers anywhere. */
import type { FileDescriptor } from './descriptor.js';

export interface RingStats {
  /** Records and payload bytes ever written. */
  records: number;
  bytes: number;
  sizeBytes: number;
}

export interface RingSubscription {
  /** Read-only memfd of the ring, to be passed to the reader's process. */
  memory: FileDescriptor;
  /** The listening end of this reader's own bell; rung after records were written. Nothing done to it holds the writer up. */
  doorbell: FileDescriptor;
  /** Ends the doorbell; the memory stays readable for whoever holds it. Idempotent. */
  end(): void;
}

/** Writer side of a log ring: lives in PID 1, fed by the reactor thread. */
export interface LogRing {
  readonly stats: RingStats;
  /** The reactor reads this pipe until end of file, a record a line (long lines are split), and owns the descriptor from now on. */
  attach(pipe: FileDescriptor, stream: 'stdout' | 'stderr'): void;
  /** Resolves when every attached pipe has reached its end: all that the service wrote is in the ring. Keeps the ring until then. */
  drained(): Promise<void>;
  /** Appends lines of PID 1's own about the service; a missing last newline is added. */
  write(text: string | Uint8Array): void;
  subscribe(): RingSubscription;
  /** The newest complete line, at most `maxBytes` of it, without its newline; '' when there is none. */
  lastLine(maxBytes: number): string;
  close(): void;
}

export interface RingSlab {
  /** Bytes of log text put into the buffer: whole records, a line each with its newline, or a piece of a longer one. */
  bytes: number;
  records: number;
  /** What was overwritten before this reader came to it. */
  missedRecords: number;
  missedBytes: number;
}

/** Reader side: maps the memory read-only and trusts nothing that it finds there. */
export interface LogReader {
  /** Moves to the oldest record still there. */
  seekStart(): void;
  /** Moves so that the newest `lines` lines follow; 0 is the end. */
  seekTail(lines: number): void;
  /** Nothing that is written from now on is read: `read` finds nothing new once it has come to the newest record of this moment. */
  stopAtHead(): void;
  /**
   * Copies as many whole records as fit. No bytes and nothing missed: there is nothing new. Never blocks.
   * @param buffer  at least MAX_RECORD_BYTES
   * @param index   gets three numbers a record: milliseconds since the epoch, stream (RING_STREAMS) and the end of its text in `buffer`;
   *   no more records are read than it has room for
   */
  read(buffer: Uint8Array, index?: Float64Array): RingSlab;
  /** Resolves at the next ring of the doorbell (at once if one is pending). Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  close(): void;
}

export interface RingModule {
  /** `sizeBytes`: a power of two of at least 4096. */
  create(options: { name: string; sizeBytes: number }): LogRing;
  /** Takes over both descriptors. Without a doorbell `wait()` is not available. */
  openReader(options: { memory: FileDescriptor; doorbell?: FileDescriptor }): LogReader;
}
