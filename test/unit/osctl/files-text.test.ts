/** How modes, times and ages of files are written. */
import t from 'tap';
import { goModeText } from '../../../lib/osctl/files/go-mode.js';
import { formatAge, formatTime } from '../../../lib/osctl/files/quantities.js';

t.test('modes as Go prints them', async (t) => {
  for (const [mode, text] of [
    [0o644, '-rw-r--r--'],
    [0, '----------'],
    [0x8000_01ed, 'drwxr-xr-x'],
    [0x8010_01ff, 'dtrwxrwxrwx'],
    [0x0800_01ff, 'Lrwxrwxrwx'],
    [0x0400_01b0, 'Drw-rw----'],
    [0x0420_01b6, 'Dcrw-rw-rw-'],
    [0x0200_0180, 'prw-------'],
    [0x0100_01ed, 'Srwxr-xr-x'],
    [0x0080_01ed, 'urwxr-xr-x'],
    [0x0040_01ed, 'grwxr-xr-x'],
    [0x0008_0000, '?---------'],
  ] as const) {
    t.equal(goModeText(mode), text);
  }
});

t.test('times', async (t) => {
  const now = new Date(2026, 10, 25, 20, 0, 0).getTime();
  t.equal(formatTime(new Date(2026, 10, 5, 9, 3, 7).getTime(), now), 'Nov  5 09:03:07');
  t.equal(formatTime(new Date(2024, 0, 31, 23, 59, 59).getTime(), now), 'Jan 31 2024 23:59');
  t.equal(formatTime(new Date(2030, 0, 1, 1, 2, 3).getTime(), now), 'Jan  1 01:02:03', 'a clock that is ahead');
  t.equal(formatAge(now - 5_000, now), '5 s ago');
  t.equal(formatAge(now - 47 * 3_600_000, now), '47 h 0 min ago');
  t.equal(formatAge(now - 3 * 86_400_000, now), '3 days ago');
  t.equal(formatAge(now + 1, now), 'in the future');
});
