/** The first restart comes almost at once: most services that end do so for a passing reason. */
export const FIRST_DELAY_MS = 250;
export const MAX_DELAY_MS = 30_000;
/** A run of this length was a healthy one: the next restart is a first one again. */
export const HEALTHY_RUN_MS = 30_000;

/**
 * How long to wait before the next restart: 0.25 s, doubled with every short run, at most 30 s.
 * @param previousDelayMs  the wait before the run that has just ended; 0 when there was none
 * @param ranForMs  how long that run lasted
 */
export function nextDelay(previousDelayMs: number, ranForMs: number): number {
  if (previousDelayMs === 0 || ranForMs >= HEALTHY_RUN_MS) return FIRST_DELAY_MS;
  return Math.min(previousDelayMs * 2, MAX_DELAY_MS);
}
