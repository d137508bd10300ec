/** The first restart comes almost at once: most services that end do so for a passing reason. */
export const FIRST_DELAY_MS = 250;
export const MAX_DELAY_MS = 30_000;
/** A run of this length was a healthy one: the next restart is a first one again. */
export const HEALTHY_RUN_MS = 30_000;

/**
 * How long to wait before the next restart: 0.25 s, doubled with every short run, at most 30 s.
 * @param previousDelayMs  the wait before the run that has just ended; 0 when there was none
 * @param ranForMs  how long that run lasted
 * @param maxDelayMs  less than 30 s on nodes of tests only (lib/os/test-parameters.ts)
 */
export function nextDelay(previousDelayMs: number, ranForMs: number, maxDelayMs = MAX_DELAY_MS): number {
  const isFirst = previousDelayMs === 0 || ranForMs >= HEALTHY_RUN_MS;
  return Math.min(isFirst ? FIRST_DELAY_MS : previousDelayMs * 2, maxDelayMs);
}
