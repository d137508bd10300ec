/** What the files of /proc have in common: columns between blanks, and lines of `name: value`. */

/** A column as a number; 0 for one that this kernel does not have. */
export function count(column: string | undefined): number {
  const value = Number(column ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

export function columns(line: string): string[] {
  return line.trim().split(/\s+/);
}

/** Field by field the sum of all items; `zero` has the fields. */
export function sum<Counters extends Readonly<Record<string, number>>>(
  items: readonly Counters[],
  zero: Counters,
): Counters {
  const names = Object.keys(zero);
  return Object.fromEntries(
    names.map((name) => [name, items.reduce((total, item) => total + (item[name] ?? 0), 0)]),
  ) as Counters;
}

/** Names for the columns of a line, from the first one on. */
export function named<Name extends string>(names: readonly Name[], values: readonly string[]): Record<Name, number> {
  return Object.fromEntries(names.map((name, position) => [name, count(values[position])])) as Record<Name, number>;
}
