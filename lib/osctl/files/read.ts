/** What `osctl read` does, apart from its definition. */
import type { Command } from 'commander';
import { MachineService } from '../../client/index.js';
import { printStream } from '../byte-stream.js';
import { DataLost } from '../exit.js';
import type { Io } from '../io.js';
import { onlyTarget, withSession } from '../session.js';

/** The bytes of a file, as they are into a pipe, with control characters shown on a terminal. */
export async function printFile(command: Command, io: Io, path: string): Promise<void> {
  await withSession(command, io, async (session) => {
    const { node } = onlyTarget(session, 'read');
    const batches = session.client.stream(MachineService.Read, { path }, { node });
    if (await printStream(io, batches, { name: path })) throw new DataLost();
  });
}
