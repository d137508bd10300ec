/** Records of the kernel log as the API sends them, `facility: priority: [time]: text`, and which of them are wanted. */
import { UsageError } from './exit.js';

/** Facilities and levels by number, from syslog(2) and syslog(3). */
export const FACILITIES =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
export const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const OTHER_NAMES: Readonly<Record<string, string>> = { panic: 'emerg', error: 'err', warn: 'warning' };

const RECORD = /^([a-z0-9]+): +([a-z0-9]+): \[([^\]]*)\]: ?(.*)$/s;

/** A field is absent when the line has none. */
export interface KernelRecord {
  time?: string;
  facility?: string;
  level?: string;
  message: string;
}

/** A line that is no record, the second line of a message for example, is a message without anything else. */
export function parseRecord(line: string): KernelRecord {
  const [, facility, level, time, message] = RECORD.exec(line) ?? [];
  if (facility === undefined || level === undefined || time === undefined || message === undefined) {
    return { message: line };
  }
  return { time, facility, level, message };
}

/**
 * Levels that are wanted: of one name that level and all that are worse, of several these.
 * @throws UsageError  a name that is none
 */
export function wantedLevels(words: readonly string[]): ReadonlySet<string> {
  const numbers = words.map((word) => {
    const number = LEVELS.indexOf(OTHER_NAMES[word] ?? word);
    if (number === -1) throw new UsageError(`${JSON.stringify(word)} is no level; there are ${LEVELS.join(', ')}`);
    return number;
  });
  const [only] = numbers;
  return new Set(
    numbers.length === 1 && only !== undefined ? LEVELS.slice(0, only + 1) : numbers.map((at) => LEVELS[at] as string),
  );
}

/** @throws UsageError  a name that is none */
export function wantedFacilities(words: readonly string[]): ReadonlySet<string> {
  const unknown = words.find((word) => !FACILITIES.includes(word));
  if (unknown === undefined) return new Set(words);
  throw new UsageError(`${JSON.stringify(unknown)} is no facility; there are ${FACILITIES.join(', ')}`);
}

/** Decides line by line. A line that is no record goes with the one before it, and is kept when it is the first. */
export class RecordFilter {
  private isLastWanted = true;

  constructor(
    private readonly levels: ReadonlySet<string> | undefined,
    private readonly facilities: ReadonlySet<string> | undefined,
  ) {}

  wants({ level, facility }: KernelRecord): boolean {
    if (level === undefined || facility === undefined) return this.isLastWanted;
    this.isLastWanted = (this.levels?.has(level) ?? true) && (this.facilities?.has(facility) ?? true);
    return this.isLastWanted;
  }
}
