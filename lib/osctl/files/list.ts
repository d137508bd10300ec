/** What `osctl list` does, apart from its definition. */
import type { Command } from 'commander';
import { formatBytes, SECOND_MS } from '../../base/units.js';
import { MachineService } from '../../client/index.js';
import type { Io } from '../io.js';
import { outputFormat } from '../output.js';
import { type Column, type Row, RowPrinter } from '../row-printer.js';
import { nodeColumn, type Target, withSession } from '../session.js';
import { streamAll } from '../stream-all.js';
import { goModeText } from './go-mode.js';
import { FileProblems } from './problems.js';
import { formatAge, formatTime, SIZE_WIDTH } from './quantities.js';

export type ListedType = 'f' | 'd' | 'l';

export interface ListOptions {
  path: string;
  long: boolean;
  recurse: boolean;
  depth: number | undefined;
  types: readonly ListedType[];
  humanize: boolean;
}

/** Values of ListRequest.Type. */
const TYPES: Readonly<Record<ListedType, number>> = { f: 0, d: 1, l: 2 };

const NAME_COLUMN: Column = { title: 'NAME' };
/** With the widths of what is on most nodes: 'drwxr-xr-x', the largest id below 65536, a time with its year. */
const LONG_COLUMNS: readonly Column[] = [
  { title: 'MODE', width: 11 },
  { title: 'UID', width: 5 },
  { title: 'GID', width: 5 },
  { title: 'SIZE(B)', width: SIZE_WIDTH },
  { title: 'LASTMOD', width: 17 },
  { title: 'LABEL' },
  NAME_COLUMN,
];
/** The attribute with the label of SELinux. */
const LABEL = 'security.selinux';

export async function printList(command: Command, io: Io, options: ListOptions): Promise<void> {
  const { path, long, recurse, depth, types } = options;
  await withSession(command, io, async (session) => {
    const { columns, cell } = nodeColumn(session);
    const format = outputFormat(command);
    const isPlain = !long && columns.length === 0;
    const printer = new RowPrinter(io, format, isPlain ? [] : [...columns, ...(long ? LONG_COLUMNS : [NAME_COLUMN])]);
    const problems = new FileProblems(io, session.targets.length > 1);
    const request = {
      root: path,
      recurse: recurse || (depth ?? 1) > 1,
      recursionDepth: depth ?? 0,
      types: types.map((type) => TYPES[type]),
      reportXattrs: long || format !== 'table',
    };
    const finish = await streamAll(session, MachineService.List, request, async (target, batch) => {
      const rows = problems.keepGood(target, batch);
      await printer.add(rows.map((info) => row(target, info, cell(target), options)));
    });
    await printer.end();
    finish();
    problems.finish();
  });
}

interface FileInfo {
  name?: string | null;
  relativeName?: string | null;
  size?: unknown;
  mode?: number | null;
  modified?: unknown;
  isDir?: boolean | null;
  link?: string | null;
  uid?: number | null;
  gid?: number | null;
  xattrs?: readonly { name?: string | null; data?: Uint8Array | null }[] | null;
}

function row(target: Target, info: FileInfo, node: string[], { long, humanize }: ListOptions): Row {
  const size = Number(info.size ?? 0);
  const modifiedMs = Number(info.modified ?? 0) * SECOND_MS;
  const mode = goModeText(info.mode ?? 0);
  const name = info.relativeName ?? '';
  const view = {
    node: target.name,
    name: info.name ?? '',
    relativeName: name,
    mode,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    size,
    modified: new Date(modifiedMs).toISOString(),
    isDir: info.isDir ?? false,
    ...(info.link ? { link: info.link } : {}),
    xattrs: (info.xattrs ?? []).map(({ name, data }) => ({
      name: name ?? '',
      data: Buffer.from(data ?? []).toString('base64'),
    })),
  };
  if (!long) return { view, cells: [...node, name] };
  const cells = [
    ...[...node, mode, String(view.uid), String(view.gid), humanize ? formatBytes(size) : String(size)],
    humanize ? formatAge(modifiedMs) : formatTime(modifiedMs),
    labelOf(info),
    info.link ? `${name} -> ${info.link}` : name,
  ];
  return { view, cells };
}

/** As a C string, as the kernel keeps it. */
function labelOf({ xattrs }: FileInfo): string {
  const { data } = xattrs?.find(({ name }) => name === LABEL) ?? {};
  return Buffer.from(data ?? [])
    .toString()
    .replace(/[\0\n]+$/, '');
}
