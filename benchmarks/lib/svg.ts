/** What the charts have in common: text and numbers as SVG has them (W3C, "Scalable Vector Graphics 2"). */

/** Text that is no markup. */
export const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** A tenth of a pixel is enough, and makes the same file of nearly the same numbers. */
export const rounded = (value: number) => String(Math.round(value * 10) / 10);

/** A picture of that size on white; it fits itself to the width that it gets. */
export function picture(width: number, height: number, parts: readonly string[]): string {
  const head = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ];
  return `${[...head, ...parts, '</svg>'].join('\n')}\n`;
}
