/** Where the time went, as text. Pure. */
import type { Share } from './frame-tree.js';

/** Names of templates of C++ are longer than a terminal is wide. */
const MOST_CHARACTERS = 110;

/** A table of those that come first, in percent of the whole. */
export function shareTable(
  head: string,
  shares: readonly Share[],
  { most, allUs }: { most: number; allUs: number },
): string {
  const cell = (us: number) => `${((us / allUs) * 100).toFixed(1)} %`.padStart(8);
  const rows = shares
    .slice(0, most)
    .map(({ name, selfUs, totalUs }) => `${cell(selfUs)}${cell(totalUs)}  ${name.slice(0, MOST_CHARACTERS)}\n`);
  return `${'self'.padStart(8)}${'total'.padStart(8)}  ${head}\n${rows.join('')}`;
}
