/** Events of a node, as `osctl events -o json` prints them, a line each. Pure. */

/** Whether a service has said how it fares, well or not. Lines that are no events count for nothing. */
export function hasAnswered(lines: readonly { readonly text: string }[], service: string): boolean {
  return lines.some(({ text }) => {
    if (!text.startsWith('{')) return false;
    const { payload } = JSON.parse(text) as { payload?: { service?: string; healthy?: boolean } | null };
    return payload?.service === service && payload.healthy !== undefined;
  });
}
