/** What `osctl dmesg` does, apart from its definition. */
import type { Command } from 'commander';
import { MachineService } from '../client/index.js';
import { printStream } from './byte-stream.js';
import { lastRecords, lastRecordsAndNew } from './dmesg-tail.js';
import { DataLost } from './exit.js';
import type { Io } from './io.js';
import { parseRecord, RecordFilter, wantedFacilities, wantedLevels } from './kernel-log.js';
import { outputFormat, streamedItem } from './output.js';
import { type Target, withSession } from './session.js';
import { StreamFailures } from './stream-failures.js';
import { LineMapper } from './stream-form.js';

/** Asks for many records a message; nodes that do not know it send one. */
const BATCHED = { 'x-osctl-batch': '1' };

export interface DmesgOptions {
  follow: boolean;
  /** A number: only the last records; true: only what comes from now on. */
  tail: number | true | undefined;
  levels: readonly string[] | undefined;
  facilities: readonly string[] | undefined;
}

export async function printDmesg(command: Command, io: Io, options: DmesgOptions): Promise<void> {
  const records = recordTexts(command, options);
  await withSession(command, io, async (session) => {
    const hasSeveral = session.targets.length > 1;
    const failures = new StreamFailures(io, !hasSeveral);
    let isIncomplete = false;
    const print = async ({ name, node }: Target) => {
      const read = (follow: boolean) => {
        const request = { follow, tail: options.tail === true };
        return session.client.stream(MachineService.Dmesg, request, { node, metadata: BATCHED });
      };
      const { text, isAsItComes } = records(name, hasSeveral);
      if (typeof options.tail === 'number') {
        const count = options.tail;
        const batches = options.follow
          ? lastRecordsAndNew(read(false), () => read(true), count, text)
          : lastRecords(read(false), count, text);
        if (await printStream(io, batches, { name })) isIncomplete = true;
        return;
      }
      const form = isAsItComes ? undefined : new LineMapper(text);
      if (await printStream(io, read(options.follow), { form, name })) isIncomplete = true;
    };
    await Promise.all(
      session.targets.map((target) => print(target).catch((error) => failures.add(target.name, error))),
    );
    failures.finish();
    if (isIncomplete) throw new DataLost();
  });
}

/**
 * What is printed of the records of a node.
 * @returns for each node: what a line becomes, nothing if it is not wanted; and whether all lines stay as they are
 * @throws UsageError  no such level, facility or format
 */
function recordTexts(command: Command, options: DmesgOptions) {
  const format = outputFormat(command);
  const levels = options.levels && wantedLevels(options.levels);
  const facilities = options.facilities && wantedFacilities(options.facilities);
  return (node: string, hasSeveral: boolean): { text: (line: string) => string; isAsItComes: boolean } => {
    const prefix = hasSeveral ? `${node}  ` : '';
    const filter = new RecordFilter(levels, facilities);
    const text = (line: string) => {
      const record = parseRecord(line);
      if (!filter.wants(record)) return '';
      return format === 'table' ? `${prefix}${line}\n` : streamedItem(format, { node, ...record });
    };
    const isAsItComes = format === 'table' && levels === undefined && facilities === undefined && !hasSeveral;
    return { text, isAsItComes };
  };
}
