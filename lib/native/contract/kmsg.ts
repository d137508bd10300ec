/** The kernel log. */
import type { FileDescriptor } from './descriptor.js';

export interface KmsgRecord {
  /** 0 kern, 1 user, 3 daemon, … (syslog(3)). */
  facility: number;
  /** 0 emerg … 7 debug. */
  level: number;
  sequence: number;
  /** Microseconds of CLOCK_MONOTONIC (roughly: since boot). */
  timestampUs: number;
  /** Text with the kernel's escapes decoded; no newline at its end. */
  message: string;
  /** A piece of a line that the kernel could not put together, since something else was printed in between. */
  isFragment: boolean;
  /** Of the device that the message is about, where the kernel tells: 'pci', 'block', 'net' … */
  subsystem?: string;
  /** That device: 'b8:0' (block), 'c1:3' (character), 'n2' (interface by index) or '+pci:0000:00:01.0'. */
  device?: string;
}

export interface KmsgBatch {
  records: KmsgRecord[];
  /** Records that were overwritten before this reader came to them. */
  missed: number;
}

export interface KmsgReader {
  /** Up to `maxRecords` records at once; an empty batch when there is nothing new. Never blocks. */
  read(maxRecords: number): KmsgBatch;
  /** Resolves when there is something to read. Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  close(): void;
}

export interface KmsgModule {
  /** A fresh read-only open of /dev/kmsg, positioned at the oldest record or behind the newest. */
  subscribe(position: 'start' | 'end'): FileDescriptor;
  /** Takes over the descriptor. */
  openReader(descriptor: FileDescriptor): KmsgReader;
  /** Writes one record a line with `<level>` of facility daemon; a prefix or newline inside `text` cannot forge another record. */
  write(level: number, text: string): void;
}
