/** Time that goes on while the machine is suspended (CLOCK_BOOTTIME), which neither Node's timers nor process.hrtime() do. */

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

export interface ClockModule {
  /** Milliseconds since boot. */
  bootTimeMs(): number;
  createTimer(): BootTimer;
}
