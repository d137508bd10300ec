/**
 * Time that goes on while the machine is suspended (CLOCK_BOOTTIME), which neither Node's timers nor process.hrtime() do; and the wall
 * clock (CLOCK_REALTIME) as far as it is put right.
 */

/** One moment to wait for. Not armed when made. */
export interface BootTimer {
  /** Replaces the moment; undefined: never. One that has passed is due at once. */
  arm(atBootMs: number | undefined): void;
  /** Whether it was due since the last call; asking makes `wait` wait for the next one. Does not block. */
  take(): boolean;
  /** Resolves when it is due. Keeps the process alive. Rejects with ECANCELED when closed. */
  wait(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

export interface Slew {
  /** What the clock lacks; the kernel takes at most half a second, which takes it hours. */
  offsetMs: number;
  /** Logarithm of the loop's slowness, 0 to 10. 2 suits questions every minute; each fourfold interval wants one more. */
  timeConstant: number;
  /** How wrong the clock may be at most, and probably. */
  maxErrorMs: number;
  estimatedErrorMs: number;
}

export interface RealTimeState {
  /** Somebody slews the clock, and has done so lately. */
  isSynchronised: boolean;
  /** What is still to be slewed away. */
  offsetMs: number;
  /** By how much the kernel has learnt to make the clock go faster, parts per million. */
  frequencyPpm: number;
  maxErrorMs: number;
}

export interface ClockModule {
  /** Milliseconds since boot. */
  bootTimeMs(): number;
  createTimer(): BootTimer;
  /** Adds to the wall clock at once; negative: takes away. Fractions count. EPERM without CAP_SYS_TIME · EINVAL for a time that cannot be. */
  stepRealTime(byMs: number): void;
  /** Lets the kernel slew the wall clock (its phase-locked loop), and keep the hardware's clock right. EPERM without CAP_SYS_TIME. */
  slewRealTime(slew: Slew): void;
  realTimeState(): RealTimeState;
}
