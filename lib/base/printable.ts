/** Control, format and unassigned characters, lone surrogates, and what some programs take for the end of a line. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The text in one line that shows what is in it: what cannot be seen, or would change how the rest is seen, as `\xNN` or `\u{N}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/**
 * Quoted, so that a reader sees where it ends: `"…"`, with `\` before quotes and itself.
 * @param maxLength  of the text; what is longer is cut and ends in `…`
 */
export function quoted(text: string, maxLength = 2000): string {
  const whole = text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
  return `"${printable(whole.replace(/[\\"]/g, '\\$&'))}"`;
}
