import { checkInteger } from './arguments.js';
import type { BootTimer, ClockModule } from './contract.js';

/** What the addon itself exports: never is a negative moment. */
export interface RawBootTimer {
  arm(atBootMs: number): void;
  take(): boolean;
  wait(): Promise<void>;
  close(): void;
}

export interface RawClockModule {
  bootTimeMs(): number;
  createTimer(): RawBootTimer;
}

const NEVER = -1;

/**
 * CLOCK_BOOTTIME and timerfd_create(2). A lease, a certificate or anything else that somebody outside counts down must be measured by a
 * clock that does not stop when the machine sleeps; a timer that fell due meanwhile is due when it wakes up. Nothing here blocks.
 * @throws EMFILE `createTimer` · ECANCELED `arm` and `take` of a closed timer
 */
export function createClockModule(raw: RawClockModule): ClockModule {
  return {
    bootTimeMs: () => raw.bootTimeMs(),
    createTimer: () => wrapTimer(raw.createTimer()),
  };
}

function wrapTimer(timer: RawBootTimer): BootTimer {
  return {
    arm(atBootMs) {
      if (atBootMs !== undefined) checkInteger(atBootMs, 'atBootMs', 0);
      timer.arm(atBootMs ?? NEVER);
    },
    take: () => timer.take(),
    wait: () => timer.wait(),
    close: () => timer.close(),
  };
}
