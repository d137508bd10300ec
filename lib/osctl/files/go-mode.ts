/** Modes of the API (Go's FileMode) as `talosctl list` and Go print them. */

/** From bit 31 downwards. */
const LETTERS = 'dalTLDpSugct?';
const PERMISSIONS = 'rwxrwxrwx';

/** 'drwxr-xr-x', 'Lrwxrwxrwx', 'Dcrw-rw-rw-', '-rw-r--r--'. */
export function goModeText(mode: number): string {
  const has = (bit: number) => (mode >>> bit) % 2 === 1;
  const type = [...LETTERS].filter((_letter, at) => has(31 - at)).join('');
  return (type || '-') + [...PERMISSIONS].map((letter, at) => (has(8 - at) ? letter : '-')).join('');
}
