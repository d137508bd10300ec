/** Streams of bytes (logs, kernel log) on their way to stdout: as they are into a pipe or file, made harmless on a terminal. */
import type { Io } from './io.js';
import { writeChunks } from './io.js';
import { LinePrefixer } from './line-prefix.js';
import { printable, TerminalFilter } from './terminal.js';

/** What a message of such a stream has. */
export interface DataMessage {
  bytes?: Uint8Array | null;
  metadata?: { error?: string | null } | null;
}

/**
 * Prints one stream, as fast as stdout takes it.
 * @param options.prefix  put in front of each line; absent: bytes pass untouched
 * @param options.name    for the sentence about a gap
 * @returns true when the node said that something is missing
 */
export async function printStream(
  io: Io,
  batches: AsyncIterable<DataMessage[]>,
  options: { prefix?: string | undefined; name: string },
): Promise<boolean> {
  const prefixer = options.prefix === undefined ? undefined : new LinePrefixer(options.prefix);
  const filter = io.stdout.isTTY === true ? new TerminalFilter() : undefined;
  const form = (bytes: Uint8Array) => {
    const whole = prefixer === undefined ? bytes : prefixer.push(bytes);
    return filter === undefined ? whole : filter.text(whole);
  };
  let isIncomplete = false;
  try {
    for await (const batch of batches) {
      const chunks: (string | Uint8Array)[] = [];
      for (const { bytes, metadata } of batch) {
        if (bytes && bytes.length > 0) chunks.push(form(bytes));
        if (!metadata?.error) continue;
        isIncomplete = true;
        await writeChunks(io.stdout, chunks.splice(0));
        io.stderr.write(`osctl: ${options.name}: ${printable(metadata.error)}\n`);
      }
      if (chunks.length > 0) await writeChunks(io.stdout, chunks);
    }
  } finally {
    const rest = prefixer?.end();
    if (rest !== undefined && rest.length > 0)
      await writeChunks(io.stdout, [filter === undefined ? rest : filter.text(rest)]);
  }
  return isIncomplete;
}
