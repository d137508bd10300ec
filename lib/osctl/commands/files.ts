/** Commands about files of nodes. */
import { Command, InvalidArgumentError } from 'commander';
import type { ListedType } from '../files/list.js';
import { collectWords, wholeNumber } from '../flags.js';
import type { Io } from '../io.js';

const MAX_DEPTH = 2 ** 31 - 2;

/** `osctl list`: what is in a directory. */
export function listCommand(io: Io): Command {
  return new Command('list')
    .alias('ls')
    .description('list a directory of the nodes')
    .argument('[path]', 'the directory, or a file', '/')
    .option('-l, --long', 'with mode, owner, size and time')
    .option('-r, --recurse', 'and all that is beneath it')
    .option('-d, --depth <levels>', 'so many levels', wholeNumber(1, MAX_DEPTH))
    .option('-t, --type <types>', 'only f (files), d (directories), l (symbolic links)', collectTypes)
    .option('-H, --humanize', 'sizes and times for people')
    .addHelpText(
      'after',
      `
Links are shown and never followed: ask for the path that they lead to.

Examples:
  osctl list /var/log
  osctl ls -l /etc
  osctl ls -r -t f /run
  osctl ls -d 2 -o json /system`,
    )
    .action(async (path: string, flags: ListFlags, command: Command) => {
      const { printList } = await import('../files/list.js');
      const { long = false, recurse = false, depth, type: types = [], humanize = false } = flags;
      await printList(command, io, { path, long, recurse, depth, types, humanize });
    });
}

interface ListFlags {
  long?: boolean;
  recurse?: boolean;
  depth?: number;
  type?: ListedType[];
  humanize?: boolean;
}

/** `osctl usage`: how much space directories take. */
export function usageCommand(io: Io): Command {
  return new Command('usage')
    .alias('du')
    .description('show how large directories of the nodes are')
    .argument('[paths...]', 'directories or files; / unless given')
    .option('-a, --all', 'files too, not directories only')
    .option('-d, --depth <levels>', 'what is so many levels beneath', wholeNumber(0, MAX_DEPTH), 0)
    .option('-t, --threshold <size>', 'only what is as large at least, or, below zero, at most: 10M, -4096', size, 0)
    .option('-H, --humanize', 'sizes for people')
    .addHelpText(
      'after',
      `
Sizes are those that files tell, so the holes of a sparse file count; a file with several names counts once.

Examples:
  osctl usage /var
  osctl du -d 1 -H /
  osctl du -a -t 1M -d 3 /system /run`,
    )
    .action(async (paths: string[], flags: UsageFlags, command: Command) => {
      const { printUsage } = await import('../files/usage.js');
      const { all = false, depth, threshold, humanize = false } = flags;
      await printUsage(command, io, { paths: paths.length > 0 ? paths : ['/'], all, depth, threshold, humanize });
    });
}

interface UsageFlags {
  all?: boolean;
  depth: number;
  threshold: number;
  humanize?: boolean;
}

/** `osctl read`: a file. */
export function readCommand(io: Io): Command {
  return new Command('read')
    .alias('cat')
    .description('print a file of a node')
    .argument('<path>', 'an absolute path')
    .addHelpText(
      'after',
      `
Into a pipe or a file the bytes go as they are; on a terminal control characters are shown as \\x1b.

Examples:
  osctl read /proc/cmdline
  osctl cat /etc/os-release > os-release`,
    )
    .action(async (path: string, _flags: object, command: Command) => {
      const { printFile } = await import('../files/read.js');
      await printFile(command, io, path);
    });
}

/** `osctl copy`: a tree, or a file. */
export function copyCommand(io: Io): Command {
  return new Command('copy')
    .alias('cp')
    .description('copy a directory or a file of a node')
    .argument('<remote>', 'an absolute path on the node')
    .argument('<local>', 'the directory to copy into, made if it is missing; -: the archive (tar.gz) to stdout')
    .addHelpText(
      'after',
      `
What is in a directory comes straight into the local one. Devices, sockets and FIFOs are left out, and links that would lead out of the
local directory are not made; each is told, and the exit code is 5. Owners are not kept, and no file may run as somebody else.

Examples:
  osctl copy /var/log/pods ./pods
  osctl cp /etc/os-release .
  osctl cp /system - > system.tar.gz`,
    )
    .action(async (remote: string, local: string, _flags: object, command: Command) => {
      const { copyFromNode } = await import('../files/copy.js');
      await copyFromNode(command, io, remote, local);
    });
}

function collectTypes(text: string, previous: ListedType[] | undefined): ListedType[] {
  return collectWords(text, previous).map((word) => {
    const type = word.toLowerCase();
    if (type === 'f' || type === 'd' || type === 'l') return type;
    throw new InvalidArgumentError('it must be f, d or l.');
  });
}

function size(text: string): number {
  const [, number, unit] = /^(-?\d+)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf((unit ?? '').toUpperCase());
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('it must be a size such as 4096, 10M or -1K.');
  return bytes;
}
