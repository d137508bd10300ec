import { argumentError } from './arguments.js';
import type { CgroupMemoryEvents, CgroupPressure, CgroupStatSet, CgroupStats } from './contract.js';

/** One set of values: its place in the bit set, how many doubles it has in a row, and what they mean. */
interface SetLayout {
  name: CgroupStatSet;
  size: number;
  decode(values: Float64Array, at: number, stats: CgroupStats): void;
}

/** The table of native/cgroup/stats.h, with which a test compares it: the position in this list is the bit. */
const LAYOUT: readonly SetLayout[] = [
  {
    name: 'cpu',
    size: 6,
    decode(values, at, stats) {
      stats.cpu = {
        usageUsec: values[at] as number,
        userUsec: values[at + 1] as number,
        systemUsec: values[at + 2] as number,
        periods: values[at + 3] as number,
        throttledPeriods: values[at + 4] as number,
        throttledUsec: values[at + 5] as number,
      };
    },
  },
  {
    name: 'memoryBytes',
    size: 1,
    decode(values, at, stats) {
      stats.memoryBytes = values[at] as number;
    },
  },
  {
    name: 'pids',
    size: 1,
    decode(values, at, stats) {
      stats.pids = values[at] as number;
    },
  },
  {
    name: 'memoryStat',
    size: 12,
    decode(values, at, stats) {
      stats.memoryStat = {
        anonBytes: values[at] as number,
        fileBytes: values[at + 1] as number,
        kernelBytes: values[at + 2] as number,
        shmemBytes: values[at + 3] as number,
        inactiveAnonBytes: values[at + 4] as number,
        activeAnonBytes: values[at + 5] as number,
        inactiveFileBytes: values[at + 6] as number,
        activeFileBytes: values[at + 7] as number,
        slabReclaimableBytes: values[at + 8] as number,
        slabUnreclaimableBytes: values[at + 9] as number,
        pageFaults: values[at + 10] as number,
        majorPageFaults: values[at + 11] as number,
      };
    },
  },
  {
    name: 'memoryEvents',
    size: 6,
    decode(values, at, stats) {
      stats.memoryEvents = toMemoryEvents(values, at);
    },
  },
  {
    name: 'swapBytes',
    size: 1,
    decode(values, at, stats) {
      stats.swapBytes = values[at] as number;
    },
  },
  {
    name: 'io',
    size: 6,
    decode(values, at, stats) {
      stats.io = {
        readBytes: values[at] as number,
        writtenBytes: values[at + 1] as number,
        reads: values[at + 2] as number,
        writes: values[at + 3] as number,
        discardedBytes: values[at + 4] as number,
        discards: values[at + 5] as number,
      };
    },
  },
  ...(['cpuPressure', 'memoryPressure', 'ioPressure'] as const).map(
    (name): SetLayout => ({
      name,
      size: 8,
      decode(values, at, stats) {
        stats[name] = toPressure(values, at);
      },
    }),
  ),
];

/** Name and doubles of each set, by bit. */
export const SET_SIZES: readonly [CgroupStatSet, number][] = LAYOUT.map(({ name, size }) => [name, size]);

/** What most callers want, and the cheapest three files. */
export const DEFAULT_SETS: readonly CgroupStatSet[] = ['cpu', 'memoryBytes', 'pids'];

const BITS = new Map(LAYOUT.map(({ name }, bit) => [name, 1 << bit]));

/** The bit set of names. @throws TypeError for one that there is not, or none at all */
export function toSetBits(sets: unknown): number {
  if (!Array.isArray(sets) || sets.length === 0) {
    throw argumentError('ERR_INVALID_ARG_TYPE', 'sets', 'an array of names', sets);
  }
  let bits = 0;
  for (const name of sets) {
    const bit = BITS.get(name);
    if (bit === undefined) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'sets', `made of ${[...BITS.keys()].join(', ')}`, name);
    }
    bits |= bit;
  }
  return bits;
}

/** Doubles in the row of one group. */
export function rowSizeOf(bits: number): number {
  return LAYOUT.reduce((size, set, bit) => size + ((bits >> bit) & 1 ? set.size : 0), 0);
}

/** Decodes rows as the addon makes them. A set that begins with NaN is not there. */
export function decodeStats(values: Float64Array, bits: number, rows: number): CgroupStats[] {
  const sets = LAYOUT.filter((_, bit) => (bits >> bit) & 1);
  const all = new Array<CgroupStats>(rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const stats: CgroupStats = {};
    for (const set of sets) {
      if (!Number.isNaN(values[at])) set.decode(values, at, stats);
      at += set.size;
    }
    all[row] = stats;
  }
  return all;
}

export function toMemoryEvents(values: Float64Array, at = 0): CgroupMemoryEvents {
  return {
    low: values[at] as number,
    high: values[at + 1] as number,
    max: values[at + 2] as number,
    oom: values[at + 3] as number,
    oomKill: values[at + 4] as number,
    oomGroupKill: values[at + 5] as number,
  };
}

function toPressure(values: Float64Array, at: number): CgroupPressure {
  const half = (start: number) => ({
    avg10: values[start] as number,
    avg60: values[start + 1] as number,
    avg300: values[start + 2] as number,
    totalUsec: values[start + 3] as number,
  });
  return { some: half(at), full: half(at + 4) };
}
