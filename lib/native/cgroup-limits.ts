import { argumentError, checkBoolean, checkInteger, checkObject, checkString } from './arguments.js';
import type { CgroupIoLimit, CgroupLimits } from './contract.js';

/** Limits as the addon takes them. */
export interface RawLimits {
  /** NaN leaves a limit as it is. */
  numbers: Float64Array;
  cpusetCpus: string | undefined;
  cpusetMems: string | undefined;
  /** Six a device: major, minor, then the four limits. */
  io: Float64Array;
}

const MAX = Number.MAX_SAFE_INTEGER;
/** Position in `numbers` is the order here: that of native/cgroup/limits.h. */
const NUMBERS: [name: keyof CgroupLimits, minimum: number, maximum: number][] = [
  ['memoryMin', -1, MAX],
  ['memoryLow', -1, MAX],
  ['memoryHigh', -1, MAX],
  ['memoryMax', -1, MAX],
  ['memorySwapMax', -1, MAX],
  ['memoryOomGroup', 0, 1],
  ['cpuWeight', 1, 10_000],
  ['cpuMax', -1, MAX],
  ['cpuMax', 1000, 1_000_000],
  ['pidsMax', -1, MAX],
  ['ioWeight', 1, 10_000],
];
const OOM_GROUP = 5;
const CPU_QUOTA = 7;
const CPU_PERIOD = 8;
const KNOWN: ReadonlySet<string> = new Set([...NUMBERS.map(([name]) => name), 'ioMax', 'cpusetCpus', 'cpusetMems']);
const IO_NUMBERS = [
  'readBytesPerSecond',
  'writeBytesPerSecond',
  'readOperationsPerSecond',
  'writeOperationsPerSecond',
] as const satisfies (keyof CgroupIoLimit)[];
const IO_FIELDS: ReadonlySet<string> = new Set(['major', 'minor', ...IO_NUMBERS]);
/** Of MKDEV: 12 bits and 20. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/** Checks every limit. @throws TypeError naming the one that is wrong */
export function toRawLimits(limits: CgroupLimits): RawLimits {
  checkObject(limits, 'limits');
  refuseOthers(limits, 'limits', KNOWN);
  const numbers = new Float64Array(NUMBERS.length).fill(Number.NaN);
  for (const [position, [name, minimum, maximum]] of NUMBERS.entries()) {
    const value: unknown = limits[name];
    if (value === undefined || name === 'memoryOomGroup' || name === 'cpuMax') continue;
    checkInteger(value, `limits.${name}`, minimum, maximum);
    numbers[position] = value;
  }
  if (limits.memoryOomGroup !== undefined) {
    checkBoolean(limits.memoryOomGroup, 'limits.memoryOomGroup');
    numbers[OOM_GROUP] = Number(limits.memoryOomGroup);
  }
  if (limits.cpuMax !== undefined) {
    checkObject(limits.cpuMax, 'limits.cpuMax');
    const { quotaUsec, periodUsec } = limits.cpuMax;
    checkInteger(quotaUsec, 'limits.cpuMax.quotaUsec', -1, MAX);
    numbers[CPU_QUOTA] = quotaUsec;
    if (periodUsec !== undefined) {
      checkInteger(periodUsec, 'limits.cpuMax.periodUsec', 1000, 1_000_000);
      numbers[CPU_PERIOD] = periodUsec;
    }
  }
  return {
    numbers,
    cpusetCpus: listOf(limits.cpusetCpus, 'limits.cpusetCpus'),
    cpusetMems: listOf(limits.cpusetMems, 'limits.cpusetMems'),
    io: Float64Array.from(ioLimits(limits.ioMax)),
  };
}

function refuseOthers(value: object, name: string, known: ReadonlySet<string>): void {
  for (const field of Object.keys(value)) {
    if (!known.has(field)) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'made of known limits', field);
  }
}

/** The kernel's list format; nothing else gets into the file. */
function listOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  checkString(value, name);
  if (!/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/.test(value)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, "a list such as '0-3,8'", value);
  }
  return value;
}

function ioLimits(limits: unknown): number[] {
  if (limits === undefined) return [];
  if (!Array.isArray(limits)) throw argumentError('ERR_INVALID_ARG_TYPE', 'limits.ioMax', 'an array', limits);
  return limits.flatMap((limit: unknown, position) => {
    const name = `limits.ioMax[${position}]`;
    checkObject(limit, name);
    refuseOthers(limit, name, IO_FIELDS);
    const { major, minor } = limit;
    checkInteger(major, `${name}.major`, 0, MAX_MAJOR);
    checkInteger(minor, `${name}.minor`, 0, MAX_MINOR);
    const numbers = IO_NUMBERS.map((field) => {
      const value = limit[field] ?? -1;
      checkInteger(value, `${name}.${field}`, -1, MAX);
      return value;
    });
    return [major, minor, ...numbers];
  });
}
