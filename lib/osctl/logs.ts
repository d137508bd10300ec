/** What `osctl logs` does, apart from its definition. */
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { MachineService, onlyMessage } from '../client/index.js';
import { eachAtMost } from './at-most.js';
import { printStream } from './byte-stream.js';
import { DataLost } from './exit.js';
import type { Io } from './io.js';
import { outputFormat, streamedItem } from './output.js';
import { type Session, type Target, withSession } from './session.js';
import { StreamFailures } from './stream-failures.js';
import { LineMapper, LinePrefixer } from './stream-form.js';

/** Of those that end: each may hold a window of bytes that are not printed yet (16 MiB, lib/client/credentials.ts). */
const LOGS_AT_ONCE = 4;

interface LogsOptions {
  /** None: all there are. */
  ids: readonly string[];
  follow: boolean;
  tail: number;
  kubernetes: boolean;
}

export async function printLogs(command: Command, io: Io, options: LogsOptions): Promise<void> {
  const format = outputFormat(command);
  // Each message is a large buffer, whose allocation makes V8 mark its small heap over and over; at once that takes a few milliseconds, in steps and
  // on other threads, which is the default, a seventh of the processor time of a long log (docs/performance.md).
  setFlagsFromString('--no-incremental-marking');
  await withSession(command, io, async (session) => {
    const isOnly = session.targets.length === 1 && options.ids.length === 1;
    const failures = new StreamFailures(io, isOnly);
    const wanted = await logsOf(session, options.ids, failures);
    const width = Math.max(...wanted.map(({ label }) => label.length));
    let isIncomplete = false;
    await eachAtMost(wanted, options.follow ? wanted.length : LOGS_AT_ONCE, async ({ target, id, label }) => {
      const request = {
        namespace: options.kubernetes ? 'k8s.io' : 'system',
        driver: options.kubernetes ? 1 : 0,
        id,
        follow: options.follow,
        tailLines: options.tail,
      };
      const batches = session.client.stream(MachineService.Logs, request, { node: target.node });
      const form = () => {
        if (format !== 'table') {
          return new LineMapper((line) => streamedItem(format, { node: target.name, service: id, line }));
        }
        return isOnly ? undefined : new LinePrefixer(`${label.padEnd(width)}  `);
      };
      try {
        if (await printStream(io, batches, { form: form(), name: label })) isIncomplete = true;
      } catch (error) {
        failures.add(label, error);
      }
    });
    failures.finish();
    if (isIncomplete) throw new DataLost();
  });
}

/** Every log meant, with a name for it that tells it from the others. Of several nodes one that does not say which it has is a failure, and no more. */
async function logsOf(
  session: Session,
  wanted: readonly string[],
  failures: StreamFailures,
): Promise<{ target: Target; id: string; label: string }[]> {
  const hasSeveral = session.targets.length > 1;
  const known = (target: Target) =>
    logIds(session, target).catch((error: unknown) => {
      if (!hasSeveral) throw error;
      failures.add(target.name, error);
      return [];
    });
  const lists = await Promise.all(
    session.targets.map(async (target) => {
      const ids = wanted.length === 0 ? await known(target) : wanted;
      const label = (id: string) => {
        if (!hasSeveral) return id;
        return wanted.length === 1 ? target.name : `${target.name} ${id}`;
      };
      return ids.map((id) => ({ target, id, label: label(id) }));
    }),
  );
  return lists.flat();
}

async function logIds(session: Session, { name, node }: Target): Promise<string[]> {
  const reply = await session.client.unary(MachineService.LogsContainers, {}, { node });
  return onlyMessage(reply, name).ids ?? [];
}
