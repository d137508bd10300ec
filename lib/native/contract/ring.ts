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
  /** This reader's own eventfd; rung after records were written. */
  doorbell: FileDescriptor;
  /** Ends the doorbell; the memory stays readable for whoever holds it. Idempotent. */
  end(): void;
}

/** Writer side of a log ring: lives in PID 1, fed by the reactor thread. */
export interface LogRing {
  readonly stats: RingStats;
  /** The reactor reads this pipe until end of file, a record a line (long lines are split), and owns the descriptor from now on. */
  attach(pipe: FileDescriptor, stream: 'stdout' | 'stderr'): void;
  /** Resolves when every attached pipe has reached its end: all that the service wrote is in the ring. */
  drained(): Promise<void>;
  /** Appends lines of PID 1's own about the service. */
  write(text: string): void;
  subscribe(): RingSubscription;
  /** The newest complete line, at most `maxBytes` of it, without its newline; '' when there is none. */
  lastLine(maxBytes: number): string;
  close(): void;
}

export interface RingSlab {
  /** Bytes of log text put into the buffer: whole lines, each with its newline. */
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
  /** Copies as many whole records as fit; `bytes === 0` means that there is nothing new. Never blocks. */
  read(buffer: Uint8Array): RingSlab;
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
