/** The last records of a kernel log, which the API cannot be asked for; the kernel's buffer is small enough to be read whole. */
import type { DataMessage } from './byte-stream.js';
import { LineMapper } from './stream-form.js';

type Batches = AsyncIterable<DataMessage[]>;

/** @returns what a line is printed as, nothing if it is not wanted; lines are given in their order, each once */
type Text = (line: string) => string;

/**
 * The last of the wanted records, as one batch. A gap is passed on if it lies behind the first of them.
 * @param seen  gets all lines since the last gap
 */
export async function* lastRecords(
  batches: Batches,
  count: number,
  text: Text,
  seen?: string[],
): AsyncGenerator<DataMessage[]> {
  let records: string[] = [];
  let gap: string | undefined;
  const lines = new LineMapper((line) => {
    seen?.push(line);
    const record = text(line);
    if (record !== '') records.push(record);
    return '';
  });
  for await (const batch of batches) {
    for (const { bytes, metadata } of batch) {
      if (bytes && bytes.length > 0) lines.push(bytes);
      if (records.length > 2 * count) records = records.slice(records.length - count);
      if (!metadata?.error) continue;
      lines.end();
      seen?.splice(0);
      records = [];
      gap = metadata.error;
    }
  }
  lines.end();
  if (gap !== undefined && records.length < count) yield [{ metadata: { error: gap } }];
  yield [{ bytes: Buffer.from(records.slice(Math.max(records.length - count, 0)).join('')) }];
}

/**
 * The last of the wanted records, then those that come, each once. A stream that follows begins with the whole log and does not say where
 * that ends; so the log is read once without following, and the beginning of the second stream is compared with that.
 * @param past       the log, which ends
 * @param following  the log again, which goes on
 */
export async function* lastRecordsAndNew(
  past: Batches,
  following: () => Batches,
  count: number,
  text: Text,
): AsyncGenerator<DataMessage[]> {
  const seen: string[] = [];
  yield* lastRecords(past, count, text, seen);
  const known = new KnownLines(seen);
  let fresh: string[] = [];
  const lines = new LineMapper((line) => {
    fresh.push(...known.pass(line));
    return '';
  });
  let gap: string | undefined;
  for await (const batch of following()) {
    const messages: DataMessage[] = [];
    const flush = () => {
      // Overwritten before it was read for the second time: nothing is missing if the first time got beyond it.
      if (gap !== undefined && known.state === 'new') messages.push({ metadata: { error: gap } });
      if (known.state !== 'looking') gap = undefined;
      messages.push({ bytes: Buffer.from(fresh.map(text).join('')) });
      fresh = [];
    };
    for (const { bytes, metadata } of batch) {
      if (bytes && bytes.length > 0) lines.push(bytes);
      if (!metadata?.error) continue;
      lines.end();
      flush();
      gap = metadata.error;
      known.restart();
    }
    flush();
    yield messages;
  }
  lines.end();
  yield [{ bytes: Buffer.from(fresh.map(text).join('')) }];
}

/**
 * Finds the end of what is known in a stream that begins somewhere in it, or behind it: the earliest place from which on all lines are
 * those that are known until nothing is left of these. Times are not compared: a node reckons them anew for each stream.
 */
class KnownLines {
  /** Of the line that comes next: whether it is known is being looked into; it is new, and those before it were known, or not. */
  state: 'looking' | 'new behind known' | 'new' = 'looking';
  private readonly known: readonly string[];
  /** Where in what is known the stream may have begun. */
  private starts: number[] = [];
  /** Lines since the beginning that may be known. */
  private held: string[] = [];

  constructor(lines: readonly string[]) {
    this.known = lines.map(withoutTime);
    this.restart();
  }

  /** Something is left out of the stream here. */
  restart(): void {
    if (this.state === 'new behind known') this.state = 'new';
    this.held = [];
    this.starts = this.known.map((_line, index) => index);
    if (this.known.length === 0) this.state = 'new';
  }

  /** Takes the next line. @returns lines that are new, now that it is sure */
  pass(line: string): string[] {
    if (this.state !== 'looking') return [line];
    const at = this.held.push(line) - 1;
    const plain = withoutTime(line);
    const { length } = this.known;
    this.starts = this.starts.filter((start) => start + at >= length || this.known[start + at] === plain);
    const [first] = this.starts;
    if (first !== undefined && first + this.held.length < length) return [];
    this.state = first === undefined ? 'new' : 'new behind known';
    return this.held.splice(0).slice(first === undefined ? 0 : length - first);
  }
}

function withoutTime(line: string): string {
  return line.replace(/^([a-z0-9]+: +[a-z0-9]+: )\[[^\]]*\]/, '$1');
}
