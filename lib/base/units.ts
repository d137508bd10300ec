/** Times in milliseconds and sizes in bytes, so that no bare factor stands in the code. */
export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const YEAR_MS = 365 * DAY_MS;

/** The longest time that a timer of Node.js takes; it ends a longer one at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

const DURATION_UNITS: Record<string, number> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS };

/**
 * Reads a duration such as '500ms', '30s', '1m30s' or '2h'; a bare number means seconds.
 * @returns milliseconds, or undefined when the text is no duration
 */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * SECOND_MS;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (DURATION_UNITS[unit as string] as number);
  }
  return total;
}

/** A duration for people: '850 ms', '12.3 s', '3 min 5 s', '2 h 10 min'. */
export function formatDuration(durationMs: number): string {
  if (durationMs < SECOND_MS) return `${Math.round(durationMs)} ms`;
  if (durationMs < MINUTE_MS) return `${(durationMs / SECOND_MS).toFixed(1).replace(/\.0$/, '')} s`;
  if (durationMs < HOUR_MS) {
    return `${Math.floor(durationMs / MINUTE_MS)} min ${Math.floor((durationMs % MINUTE_MS) / SECOND_MS)} s`;
  }
  return `${Math.floor(durationMs / HOUR_MS)} h ${Math.floor((durationMs % HOUR_MS) / MINUTE_MS)} min`;
}

const SIZE_UNITS: Record<string, number> = {
  ...{ '': 1, B: 1, kB: 1000, KB: 1000, MB: 1000 ** 2, GB: 1000 ** 3, TB: 1000 ** 4 },
  ...{ KiB: KIB, MiB: MIB, GiB: GIB, TiB: 1024 * GIB },
};

/**
 * Reads a size such as '10GiB', '512MB' or '4096'; a bare number means bytes.
 * @returns whole bytes, or undefined when the text is no size
 */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([kKMGT]i?B|B)?$/.exec(text) ?? [];
  const factor = SIZE_UNITS[unit];
  const bytes = amount === undefined || factor === undefined ? Number.NaN : Number(amount) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size for people, with the units of disk makers: '512 B', '8.6 GB', '120 MB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let [value, unit] = [bytes, 0];
  // What would be shown as 1000 is 1 of the next unit.
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
