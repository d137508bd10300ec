/** What `osctl usage` does, apart from its definition. */
import type { Command } from 'commander';
import { formatBytes } from '../../base/units.js';
import { MachineService } from '../../client/index.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';
import { RowPrinter } from '../row-printer.js';
import { nodeColumn, withSession } from '../session.js';
import { streamAll } from '../stream-all.js';
import { FileProblems } from './problems.js';
import { SIZE_WIDTH } from './quantities.js';

export interface UsageOptions {
  paths: readonly string[];
  all: boolean;
  depth: number;
  threshold: number;
  humanize: boolean;
}

export async function printUsage(command: Command, io: Io, options: UsageOptions): Promise<void> {
  const { paths, all, depth, threshold, humanize } = options;
  await withSession(command, io, async (session) => {
    const { columns, cell } = nodeColumn(session);
    const printer = new RowPrinter(io, outputFormat(command), [
      ...columns,
      { title: 'SIZE', width: SIZE_WIDTH },
      { title: 'NAME' },
    ]);
    const problems = new FileProblems(io, session.targets.length > 1);
    // The call counts the path itself as a level.
    const request = { paths: [...paths], all, recursionDepth: depth + 1, threshold };
    const finish = await streamAll(session, MachineService.DiskUsage, request, async (target, batch) => {
      const rows = problems.keepGood(target, batch).map((info) => {
        const [name, relativeName, size] = [info.name ?? '', info.relativeName ?? '', Number(info.size ?? 0)];
        // With one path names are relative to it, as talosctl shows them; with several they would not tell where they belong.
        const shown = paths.length > 1 ? name : relativeName;
        return {
          view: { node: target.name, name, relativeName, size },
          cells: [...cell(target), humanize ? formatBytes(size) : String(size), shown],
        };
      });
      await printer.add(rows);
    });
    await printer.end();
    finish();
    problems.finish();
  });
}
