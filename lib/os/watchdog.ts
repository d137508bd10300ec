import { readdirSync } from 'node:fs';
import { TalosError } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { PowerModule, Watchdog } from '../native/contract.js';

/** How a node's watchdog is used. */
export interface WatchdogPolicy {
  /** From a standstill of PID 1 to the reset: half of it is waited for PID 1, the other half is the device's own timeout. */
  resetAfterSeconds: number;
}

/** What a standstill of PID 1 means on a node: it looks after every service, so nobody would notice theirs. */
export const DEFAULT_RESET_AFTER_SECONDS = 60;
/** Below that a busy machine would be reset for being busy; the upper bound is what common devices can still count. */
const RESET_AFTER_SECONDS = { minimum: 4, maximum: 600 };
/** Before the reset: the kernel panics, says why and keeps its log. */
const PRETIMEOUT_SECONDS = 1;

/**
 * Reads the kernel parameter `talos.watchdog=`: `off`, or the seconds from a standstill to the reset.
 * @param value  undefined when it is not there: the default
 * @returns undefined for `off`
 * @throws TalosError ERR_WATCHDOG_PARAMETER
 */
export function parseWatchdogParameter(value: string | undefined): WatchdogPolicy | undefined {
  if (value === undefined) return { resetAfterSeconds: DEFAULT_RESET_AFTER_SECONDS };
  if (value === 'off') return undefined;
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  const { minimum, maximum } = RESET_AFTER_SECONDS;
  if (seconds >= minimum && seconds <= maximum) return { resetAfterSeconds: seconds };
  throw new TalosError(
    'ERR_WATCHDOG_PARAMETER',
    `talos.watchdog=${value.slice(0, 80)} is neither 'off' nor a number of seconds from ${minimum} to ${maximum}`,
  );
}

/**
 * The watchdog device to use: the first one. The kernel registers devices of the machine before its own timer (softdog), so that one is last.
 * @returns its path, or undefined when there is none
 */
export function findWatchdog(classFolder = '/sys/class/watchdog'): string | undefined {
  const numbers = namesIn(classFolder)
    .map((name) => /^watchdog(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
  return numbers.length === 0 ? undefined : `/dev/watchdog${Math.min(...numbers)}`;
}

/** Starts the device. @throws the errors of `openWatchdog` */
export function startWatchdog(
  power: Pick<PowerModule, 'openWatchdog'>,
  path: string,
  { resetAfterSeconds }: WatchdogPolicy,
): Watchdog {
  const timeoutSeconds = Math.floor(resetAfterSeconds / 2);
  return power.openWatchdog({
    path,
    timeoutSeconds,
    pretimeoutSeconds: PRETIMEOUT_SECONDS,
    aliveWithinMs: (resetAfterSeconds - timeoutSeconds) * SECOND_MS,
  });
}

/** Nothing for a folder that is not there. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
