import { DAY_MS, formatDuration, HOUR_MS } from '../../base/units.js';

/** Characters of the sizes of most files, up to a gigabyte in bytes. */
export const SIZE_WIDTH = 10;

/** An older time is shown with its year instead of its seconds. */
const RECENT_MS = 180 * DAY_MS;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As talosctl and ls write it, in the time zone of whoever looks: 'Nov 25 19:37:54', 'Jan  2 2024 15:04'. */
export function formatTime(timeMs: number, nowMs = Date.now()): string {
  const time = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  const minute = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return nowMs - timeMs < RECENT_MS
    ? `${day} ${minute}:${two(time.getSeconds())}`
    : `${day} ${time.getFullYear()} ${minute}`;
}

/** '5 min 3 s ago', '3 days ago'. */
export function formatAge(timeMs: number, nowMs = Date.now()): string {
  const age = nowMs - timeMs;
  if (age < 0) return 'in the future';
  return age < 48 * HOUR_MS ? `${formatDuration(age)} ago` : `${Math.floor(age / DAY_MS)} days ago`;
}
