import type { machine } from '../../gen/machine/machine.js';
import type { KmsgRecord } from '../../native/contract.js';
import type { OsdContext } from '../context.js';
import { SLAB_BYTES } from '../data-message.js';
import type { DataStream } from '../data-stream.js';

/** Single records of which a slow client may hold some. */
export const MAX_RECORDS_IN_FLIGHT = 64;
const RECORDS_PER_READ = 512;

const FACILITIES =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const PRIORITY_WIDTH = 7;

/**
 * Streams the kernel log: a record a message, or with `batched` as many as fit.
 * Records that were overwritten before this client came to them are told in a message of their own without bytes.
 */
export async function dmesg(
  context: OsdContext,
  request: machine.DmesgRequest,
  stream: DataStream,
  batched: boolean,
): Promise<void> {
  const { descriptors } = await context.init.request('openKmsg', { tail: request.tail });
  const [descriptor, ...others] = descriptors;
  for (const other of others) other.close();
  if (!descriptor) throw new Error('init sent no descriptor of the kernel log');
  const reader = context.kmsg.openReader(descriptor);
  const close = () => reader.close();
  try {
    stream.signal.addEventListener('abort', close, { once: true });
    stream.signal.throwIfAborted();
    stream.open();
    for (;;) {
      await stream.ready();
      const { records, missed } = reader.read(RECORDS_PER_READ);
      const metadata = { hostname: context.hostname() };
      if (missed > 0) stream.send({ metadata: { ...metadata, error: `missed ${missed} records` } });
      for (const bytes of batched ? batches(records) : records.map((record) => Buffer.from(formatRecord(record)))) {
        await stream.ready();
        stream.send({ metadata, bytes });
      }
      if (records.length > 0 || missed > 0) continue;
      if (!request.follow) break;
      await reader.wait();
    }
    await stream.flushed();
  } finally {
    stream.signal.removeEventListener('abort', close);
    close();
  }
}

/** `facility: priority: [time]: text` and a newline; the priority is right-aligned. */
export function formatRecord(record: KmsgRecord, bootEpochUs = bootTimeUs()): string {
  const facility = FACILITIES[record.facility] ?? `facility${record.facility}`;
  const priority = (PRIORITIES[record.level] ?? `level${record.level}`).padStart(PRIORITY_WIDTH);
  return `${facility}: ${priority}: [${formatTime(bootEpochUs + record.timestampUs)}]: ${printable(record.message)}\n`;
}

function* batches(records: KmsgRecord[]): Generator<Buffer> {
  let text = '';
  const bootEpochUs = bootTimeUs();
  for (const record of records) {
    text += formatRecord(record, bootEpochUs);
    if (text.length < SLAB_BYTES / 2) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** Microseconds since the Unix epoch at which the monotonic clock, which stamps the records, was 0: by the wall clock of now. */
function bootTimeUs(): number {
  return Date.now() * 1000 - Number(process.hrtime.bigint() / 1000n);
}

/** RFC 3339 in UTC with as many digits of a second as are not zero. */
function formatTime(epochUs: number): string {
  const us = Math.floor(epochUs);
  const seconds = new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, -'.000Z'.length);
  const fraction = (((us % 1e6) + 1e6) % 1e6).toString().padStart(6, '0').replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** One record stays one line, whatever a process wrote into it. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]/gu, (found) => `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
