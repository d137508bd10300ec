import { argumentError, checkInteger, checkObject } from './arguments.js';
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
  stepRealTime(byNs: number): void;
  slewRealTime(offsetNs: number, timeConstant: number, maxErrorUs: number, estimatedErrorUs: number): void;
  realTimeState(): [isUnsynchronised: number, offsetNs: number, frequency: number, maxErrorUs: number];
}

const NEVER = -1;
const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;
/** Behind the point of the kernel's frequencies. */
const FREQUENCY_SCALE = 2 ** 16;
/** More than 200 years: whoever wants that has made a mistake, and the numbers below stay exact to the microsecond. */
const MAX_STEP_MS = 8e12;
/** The kernel's own bound (MAXPHASE). */
const MAX_SLEW_MS = 500;
const MAX_TIME_CONSTANT = 10;
/** An hour: beyond it no number means anything. */
const MAX_ERROR_MS = 3_600_000;

/**
 * CLOCK_BOOTTIME and timerfd_create(2), and clock_adjtime(2) of CLOCK_REALTIME. A lease, a certificate or anything else that somebody outside counts down must be measured by a
 * clock that does not stop when the machine sleeps; a timer that fell due meanwhile is due when it wakes up. Nothing here blocks.
 * @throws EMFILE `createTimer` · ECANCELED `arm` and `take` of a closed timer
 */
export function createClockModule(raw: RawClockModule): ClockModule {
  return {
    bootTimeMs: () => raw.bootTimeMs(),
    createTimer: () => wrapTimer(raw.createTimer()),
    stepRealTime(byMs) {
      checkNumber(byMs, 'byMs', -MAX_STEP_MS, MAX_STEP_MS);
      raw.stepRealTime(Math.round(byMs * NS_PER_MS));
    },
    slewRealTime(slew) {
      checkObject(slew, 'slew');
      const { offsetMs, timeConstant, maxErrorMs, estimatedErrorMs } = slew;
      checkNumber(offsetMs, 'slew.offsetMs', -MAX_SLEW_MS, MAX_SLEW_MS);
      checkInteger(timeConstant, 'slew.timeConstant', 0, MAX_TIME_CONSTANT);
      checkNumber(maxErrorMs, 'slew.maxErrorMs', 0, MAX_ERROR_MS);
      checkNumber(estimatedErrorMs, 'slew.estimatedErrorMs', 0, MAX_ERROR_MS);
      const inUs = (ms: number) => Math.round(ms * US_PER_MS);
      raw.slewRealTime(Math.round(offsetMs * NS_PER_MS), timeConstant, inUs(maxErrorMs), inUs(estimatedErrorMs));
    },
    realTimeState() {
      const [isUnsynchronised, offsetNs, frequency, maxErrorUs] = raw.realTimeState();
      return {
        isSynchronised: isUnsynchronised === 0,
        offsetMs: offsetNs / NS_PER_MS,
        frequencyPpm: frequency / FREQUENCY_SCALE,
        maxErrorMs: maxErrorUs / US_PER_MS,
      };
    },
  };
}

function checkNumber(value: unknown, name: string, min: number, max: number): asserts value is number {
  if (typeof value !== 'number') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a number', value);
  if (!(value >= min && value <= max)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, `a number from ${min} to ${max}`, value);
  }
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
