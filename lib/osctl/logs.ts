/** What `osctl logs` does, apart from its definition. */
import type { Command } from 'commander';
import { MachineService, onlyMessage } from '../client/index.js';
import { printStream } from './byte-stream.js';
import { DataLost, NodesFailed } from './exit.js';
import type { Io } from './io.js';
import { type Session, type Target, withSession } from './session.js';

interface LogsOptions {
  /** Absent: all there are. */
  ids: string | undefined;
  follow: boolean;
  tail: number;
  kubernetes: boolean;
}

export async function printLogs(command: Command, io: Io, options: LogsOptions): Promise<void> {
  await withSession(command, io, async (session) => {
    const wanted = await logsOf(session, options.ids);
    const width = Math.max(...wanted.map(({ label }) => label.length));
    const needsPrefix = options.ids === undefined || session.targets.length > 1;
    const failures: { node: string; error: unknown }[] = [];
    let isIncomplete = false;
    await Promise.all(
      wanted.map(async ({ target, id, label }) => {
        const request = {
          namespace: options.kubernetes ? 'k8s.io' : 'system',
          driver: options.kubernetes ? 1 : 0,
          id,
          follow: options.follow,
          tailLines: options.tail,
        };
        const batches = session.client.stream(MachineService.Logs, request, { node: target.node });
        try {
          const prefix = needsPrefix ? `${label.padEnd(width)}  ` : undefined;
          if (await printStream(io, batches, { prefix, name: label })) isIncomplete = true;
        } catch (error) {
          failures.push({ node: label, error });
        }
      }),
    );
    if (failures.length > 0) throw wanted.length === 1 ? failures[0]?.error : new NodesFailed(failures);
    if (isIncomplete) throw new DataLost();
  });
}

/** Every log meant, with a name for it that tells it from the others. */
async function logsOf(
  session: Session,
  id: string | undefined,
): Promise<{ target: Target; id: string; label: string }[]> {
  const hasSeveral = session.targets.length > 1;
  const lists = await Promise.all(
    session.targets.map(async (target) => {
      const ids = id === undefined ? await logIds(session, target) : [id];
      const label = (each: string) => {
        if (id !== undefined) return hasSeveral ? target.name : each;
        return hasSeveral ? `${target.name} ${each}` : each;
      };
      return ids.map((each) => ({ target, id: each, label: label(each) }));
    }),
  );
  return lists.flat();
}

async function logIds(session: Session, { name, node }: Target): Promise<string[]> {
  const reply = await session.client.unary(MachineService.LogsContainers, {}, { node });
  return onlyMessage(reply, name).ids ?? [];
}
