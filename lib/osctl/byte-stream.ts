/** Streams of bytes (logs, kernel log) on their way to stdout: as they are into a pipe or file, made harmless on a terminal. */
import type { Io } from './io.js';
import { untilRoom, writeChunks } from './io.js';
import type { StreamForm } from './stream-form.js';
import { printable, TerminalFilter } from './terminal.js';

/** What a message of such a stream has. */
export interface DataMessage {
  bytes?: Uint8Array | null;
  metadata?: { error?: string | null } | null;
}

/**
 * Prints one stream, as fast as stdout takes it.
 * @param options.form  what is made of the bytes; absent: they pass untouched
 * @param options.name  for the sentence about a gap
 * @returns true when the node said that something is missing
 */
export async function printStream(
  io: Io,
  batches: AsyncIterable<DataMessage[]>,
  options: { form?: StreamForm | undefined; name: string },
): Promise<boolean> {
  const { form } = options;
  const filter = io.stdout.isTTY === true ? new TerminalFilter() : undefined;
  const chunks: (string | Uint8Array)[] = [];
  const add = (bytes: Uint8Array) => {
    if (bytes.length > 0) chunks.push(filter === undefined ? bytes : filter.text(bytes));
  };
  let isIncomplete = false;
  try {
    for await (const batch of batches) {
      // Of many that write to it one is first.
      await untilRoom(io.stdout);
      for (const { bytes, metadata } of batch) {
        if (bytes && bytes.length > 0) add(form === undefined ? bytes : form.push(bytes));
        if (!metadata?.error) continue;
        isIncomplete = true;
        // The beginning of a line whose end is lost must not run into what comes after the gap.
        if (form !== undefined) add(form.end());
        await writeChunks(io.stdout, chunks.splice(0));
        io.stderr.write(`osctl: ${options.name}: ${printable(metadata.error)}\n`);
      }
      await writeChunks(io.stdout, chunks.splice(0));
    }
  } finally {
    if (form !== undefined) add(form.end());
    await writeChunks(io.stdout, chunks.splice(0));
  }
  return isIncomplete;
}
