import { isAscii } from 'node:buffer';
import { argumentError, checkDescriptor, checkInteger, checkName } from './arguments.js';
import type { FileDescriptor, KmsgBatch, KmsgModule, KmsgReader, KmsgRecord } from './contract.js';

/** A batch as it crosses: numbers and text in one block each, whatever the number of records. */
export interface RawKmsgBatch {
  /** facility, level, sequence, timestampUs, isFragment, and the ends in `text` of message, subsystem and device, of each record in turn. */
  fields: Float64Array;
  /** The decoded texts one behind the other; bytes, for the kernel promises no encoding. */
  text: Buffer;
  missed: number;
}

export interface RawKmsgReader {
  read(maxRecords: number): RawKmsgBatch;
  wait(): Promise<void>;
  close(): void;
}

/** What the addon itself exports. */
export interface RawKmsgModule {
  subscribe(position: string): FileDescriptor;
  openReader(descriptor: FileDescriptor): RawKmsgReader;
  write(level: number, text: string): void;
}

const FIELDS_PER_RECORD = 8;
const MAX_RECORDS = 65_536;
const POSITIONS: ReadonlySet<string> = new Set(['start', 'end']);

/**
 * The kernel log, /dev/kmsg.
 *
 * A reader never blocks: `read` takes what is there, at most about 256 KiB of text a call, and `wait` is woken by the reactor.
 * What was overwritten before this reader came to it is counted in `missed` by sequence numbers (1 if even the first record
 * was overwritten, since nobody can know how many there were). Only one `wait` at a time.
 *
 * `write` sleeps while the consoles print what it wrote (a serial line of 115200 baud: 90 ms a KiB), so it cuts a text off after 64
 * records and says so. Control characters are made visible (`\x1b`), since the console is somebody's terminal.
 * @throws `subscribe`: EPERM without CAP_SYSLOG where dmesg_restrict is set
 */
export function createKmsgModule(raw: RawKmsgModule): KmsgModule {
  return {
    subscribe(position) {
      checkName(position, 'position', POSITIONS);
      return raw.subscribe(position);
    },
    openReader(descriptor) {
      checkDescriptor(descriptor, 'descriptor');
      return wrapReader(raw.openReader(descriptor));
    },
    write(level, text) {
      checkInteger(level, 'level', 0, 7);
      // A NUL is a control character like others here: the addon escapes it.
      if (typeof text !== 'string') throw argumentError('ERR_INVALID_ARG_TYPE', 'text', 'a string', text);
      raw.write(level, text);
    },
  };
}

function wrapReader(reader: RawKmsgReader): KmsgReader {
  return {
    read(maxRecords) {
      checkInteger(maxRecords, 'maxRecords', 1, MAX_RECORDS);
      return toBatch(reader.read(maxRecords));
    },
    wait: () => reader.wait(),
    close: () => reader.close(),
  };
}

function toBatch({ fields, text, missed }: RawKmsgBatch): KmsgBatch {
  const slice = slicer(text);
  const records: KmsgRecord[] = [];
  let textStart = 0;
  for (let start = 0; start < fields.length; start += FIELDS_PER_RECORD) {
    const messageEnd = fields[start + 5] as number;
    const subsystemEnd = fields[start + 6] as number;
    const deviceEnd = fields[start + 7] as number;
    const record: KmsgRecord = {
      facility: fields[start] as number,
      level: fields[start + 1] as number,
      sequence: fields[start + 2] as number,
      timestampUs: fields[start + 3] as number,
      message: slice(textStart, messageEnd),
      isFragment: fields[start + 4] === 1,
    };
    if (subsystemEnd > messageEnd) record.subsystem = slice(messageEnd, subsystemEnd);
    if (deviceEnd > subsystemEnd) record.device = slice(subsystemEnd, deviceEnd);
    records.push(record);
    textStart = deviceEnd;
  }
  return { records, missed };
}

/** Cuts strings out of `text`. It nearly always is ASCII: then it is decoded once and not record by record. */
function slicer(text: Buffer): (start: number, end: number) => string {
  if (!isAscii(text)) return (start, end) => text.toString('utf8', start, end);
  const all = text.toString('latin1');
  return (start, end) => all.slice(start, end);
}
