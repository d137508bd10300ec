/**
 * A number of things that the command line names.
 * @param option  without its dashes
 * @throws RangeError  a sentence, which ends a benchmark (bad-options.ts)
 */
export function countOf(option: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new RangeError(`--${option} takes a whole number above 0, not "${text}"`);
  return Number(text);
}
