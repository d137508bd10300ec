/** What `osctl dmesg` does, apart from its definition. */
import type { Command } from 'commander';
import { MachineService } from '../client/index.js';
import { type DataMessage, printStream } from './byte-stream.js';
import { DataLost, NodesFailed } from './exit.js';
import type { Io } from './io.js';
import { type Target, withSession } from './session.js';

/** Asks for many records a message; nodes that do not know it send one. */
const BATCHED = { 'x-osctl-batch': '1' };

export async function printDmesg(
  command: Command,
  io: Io,
  options: { follow: boolean; tail: number | true | undefined },
): Promise<void> {
  await withSession(command, io, async (session) => {
    const request = { follow: options.follow, tail: options.tail === true };
    const hasSeveral = session.targets.length > 1;
    const failures: { node: string; error: unknown }[] = [];
    let isIncomplete = false;
    const print = async ({ name, node }: Target) => {
      const all = session.client.stream(MachineService.Dmesg, request, { node, metadata: BATCHED });
      const batches = typeof options.tail === 'number' ? lastLines(all, options.tail) : all;
      if (await printStream(io, batches, { prefix: hasSeveral ? `${name}  ` : undefined, name })) isIncomplete = true;
    };
    await Promise.all(
      session.targets.map((target) => print(target).catch((error) => failures.push({ node: target.name, error }))),
    );
    if (failures.length > 0) throw hasSeveral ? new NodesFailed(failures) : failures[0]?.error;
    if (isIncomplete) throw new DataLost();
  });
}

/** The API cannot be asked for the last records; the kernel's buffer is small enough to be read whole. */
async function* lastLines(batches: AsyncIterable<DataMessage[]>, count: number): AsyncGenerator<DataMessage[]> {
  const chunks: Uint8Array[] = [];
  for await (const batch of batches) {
    for (const { bytes } of batch) if (bytes && bytes.length > 0) chunks.push(bytes);
  }
  const lines = Buffer.concat(chunks)
    .toString('utf8')
    .split(/(?<=\n)/);
  // What was lost lies before the records that are asked for.
  yield [{ bytes: Buffer.from(lines.slice(Math.max(lines.length - count, 0)).join('')) }];
}
