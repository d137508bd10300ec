import { checkBoolean, checkInteger, checkObject } from './arguments.js';
import type { ProcessInfo, ProcessModule, ProcessState, ProcessTable } from './contract.js';

/** What the addon itself exports: a table of numbers and one of texts. */
export interface RawTableReader {
  readTable(cgroups: boolean, commandLineBytes: number, deadlineMs: number): Promise<RawTable>;
}

interface RawTable {
  /** `COLUMNS` numbers a process, in the order of process::Column. */
  rows: Float64Array;
  /** Command, executable, command line and cgroup of each process in turn. */
  text: Buffer;
  isComplete: boolean;
}

const COLUMNS = 13;
const FLAGS = { isKernelThread: 1, isCommandLineCut: 2, hasNoDetails: 4 };
const MAX_COMMAND_LINE_BYTES = 64 * 1024;
const MAX_DEADLINE_MS = 60_000;

/**
 * Reads /proc. 25 to 40 µs a process on a pool thread, 45 to 75 with cgroups (docs/native/process.md).
 * @throws EMFILE ENFILE ENOMEM · ENOENT no /proc · EBADMSG a kernel that writes another kind of /proc/<pid>/stat
 * Source: proc(5).
 */
export function createTableReader(raw: RawTableReader): ProcessModule['readTable'] {
  return async (options = {}) => {
    checkObject(options, 'options');
    const { cgroups = false, commandLineBytes = 4096, deadlineMs = 2000 } = options;
    checkBoolean(cgroups, 'options.cgroups');
    checkInteger(commandLineBytes, 'options.commandLineBytes', 0, MAX_COMMAND_LINE_BYTES);
    checkInteger(deadlineMs, 'options.deadlineMs', 0, MAX_DEADLINE_MS);
    return decode(await raw.readTable(cgroups, commandLineBytes, deadlineMs));
  };
}

function decode({ rows, text, isComplete }: RawTable): ProcessTable {
  const processes: ProcessInfo[] = [];
  let offset = 0;
  const take = (bytes: number) => {
    const part = text.toString('utf8', offset, offset + bytes);
    offset += bytes;
    return part;
  };
  for (let start = 0; start < rows.length; start += COLUMNS) {
    const number = (column: number) => rows[start + column] as number;
    const flags = number(8);
    processes.push({
      pid: number(0),
      parentPid: number(1),
      state: String.fromCharCode(number(2)) as ProcessState,
      threads: number(3),
      cpuTimeMs: number(4),
      startedMs: number(5),
      virtualBytes: number(6),
      residentBytes: number(7),
      isKernelThread: (flags & FLAGS.isKernelThread) !== 0,
      command: take(number(9)),
      executable: take(number(10)),
      arguments: splitCommandLine(take(number(11))),
      isCommandLineCut: (flags & FLAGS.isCommandLineCut) !== 0,
      cgroupPath: take(number(12)),
      hasDetails: (flags & FLAGS.hasNoDetails) === 0,
    });
  }
  return { processes, isComplete };
}

/** Each argument ends with a null byte; one who wrote a title over them need not keep to that. */
function splitCommandLine(text: string): string[] {
  const trimmed = text.replace(/\0+$/, '');
  // An empty last argument is told from padding by nothing; all others are kept.
  return trimmed === '' ? [] : trimmed.split('\0');
}
