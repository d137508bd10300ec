/** What `osctl copy` does, apart from its definition. */
import { mkdir, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { errorCode } from '../../base/errors.js';
import { formatBytes } from '../../base/units.js';
import { MachineService } from '../../client/index.js';
import type { DataMessage } from '../byte-stream.js';
import { DataLost, UsageError } from '../exit.js';
import { type Io, writeChunks } from '../io.js';
import { onlyTarget, withSession } from '../session.js';
import { printable } from '../terminal.js';
import { extract } from './extract.js';
import { Progress } from './progress.js';

/** Copies a path of a node into a folder, or its archive to stdout. */
export async function copyFromNode(command: Command, io: Io, remote: string, local: string): Promise<void> {
  if (local === '-' && io.stdout.isTTY === true) {
    throw new UsageError(
      'an archive is not for a terminal',
      'write it into a file or a pipe: osctl copy … - > archive.tar.gz',
    );
  }
  if (local !== '-') await checkFolder(local);
  await withSession(command, io, async (session) => {
    const { node } = onlyTarget(session, 'copy');
    const progress = new Progress(io.stderr);
    let received = 0;
    let files = 0;
    let isIncomplete = false;
    const tell = (text: string) => {
      isIncomplete = true;
      progress.say(`osctl: ${printable(text)}\n`);
    };
    const batches = session.client.stream(MachineService.Copy, { rootPath: remote }, { node });
    const chunks = bytesOf(batches, tell, (count) => {
      received += count;
      progress.show(() => `${remote}: ${files > 0 ? `${files} files, ` : ''}${formatBytes(received)} received`);
    });
    try {
      // Before anything is made here: a path that is not there leaves no folder behind.
      const first = await chunks.next();
      const all = (async function* () {
        if (!first.done) yield first.value;
        yield* chunks;
      })();
      if (local === '-') {
        for await (const chunk of all) await writeChunks(io.stdout, [chunk]);
      } else {
        await mkdir(local, { recursive: true });
        const { leftOut } = await extract(local, all, (count) => {
          files = count;
        });
        for (const each of leftOut) tell(`${each}: not unpacked`);
        progress.end(`${files} ${files === 1 ? 'file' : 'files'} copied to ${local}\n`);
      }
    } finally {
      progress.end();
    }
    if (isIncomplete) throw new DataLost();
  });
}

async function checkFolder(local: string): Promise<void> {
  try {
    if ((await stat(local)).isDirectory()) return;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  throw new UsageError(`${local} is a file: name a directory, which is made if it is missing`);
}

/** The archive out of the messages of a node. */
async function* bytesOf(
  batches: AsyncIterable<DataMessage[]>,
  tell: (problem: string) => void,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const batch of batches) {
    for (const { bytes, metadata } of batch) {
      if (metadata?.error) tell(metadata.error);
      if (!bytes || bytes.length === 0) continue;
      onBytes(bytes.length);
      yield bytes;
    }
  }
}
