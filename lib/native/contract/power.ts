/** Restarting, and what concerns the machine as a whole. */
import type { EventWatch } from './cgroup.js';

export interface WatchdogOptions {
  /** '/dev/watchdog0' */
  path: string;
  /** From the last petting to the reset of the machine; at least 2. */
  timeoutSeconds: number;
  /** Before the reset: the kernel panics then, which saves its log. Without effect on devices that have none. */
  pretimeoutSeconds?: number;
  /** How long the event loop may stand still before the petting stops; the timeout in milliseconds unless given. */
  aliveWithinMs?: number;
}

/**
 * The machine's watchdog, started. The addon's own thread pets the device four times in a timeout, as long as the event loop turns. After
 * `aliveWithinMs` of standstill it stops to, and the machine is reset a timeout later. So it is when the process ends or its environment is
 * torn down without `disarm()`. Does not keep the event loop alive.
 */
export interface Watchdog {
  readonly identity: string;
  readonly firmwareVersion: number;
  /** As the device has taken it. */
  readonly timeoutSeconds: number;
  /** 0: there is none. */
  readonly pretimeoutSeconds: number;
  /** It cannot be stopped any more; undefined when the kernel does not say. */
  readonly isNowayout: boolean | undefined;
  /** How often it was petted. */
  readonly pets: number;
  /** How often it was not, because the event loop stood still. */
  readonly withheld: number;
  /** Stops the device (magic close). Idempotent. EBUSY when it cannot be stopped: it is petted on then. */
  disarm(): void;
}

export interface KeyEvent {
  /** KEY_POWER is 116 (linux/input-event-codes.h). */
  code: number;
  action: 'released' | 'pressed' | 'repeated';
}

export interface PowerModule {
  /** sync(2) on the thread pool. */
  sync(): Promise<void>;
  /**
   * reboot(2); returns only with an error. 'restart' | 'power-off' | 'halt'. Does not sync. `argument`, for a restart only: up to 255 bytes for the
   * firmware or boot loader (LINUX_REBOOT_CMD_RESTART2).
   */
  reboot(command: 'restart' | 'power-off' | 'halt', argument?: string): void;
  /** LINUX_REBOOT_CMD_CAD_OFF/ON: off makes Ctrl-Alt-Del a SIGINT to PID 1. */
  setCtrlAltDel(enabled: boolean): void;
  /** sethostname(2). */
  setHostname(name: string): void;
  /** kill(-1, signal): every process but this one. ESRCH (nobody left) is not an error. */
  killAll(signal: string): void;
  /**
   * Opens and thereby starts a watchdog device.
   * @throws EBUSY somebody has it · EINVAL a timeout that it cannot have · ENOTTY it is none · ENOENT
   */
  openWatchdog(options: WatchdogOptions): Watchdog;
  /** Keys of an input device (/dev/input/event*), such as the power button. `isIncomplete`: the kernel had to drop events before these. */
  watchKeys(
    path: string,
    handlers: {
      onKeys(keys: KeyEvent[], isIncomplete: boolean): void;
      /** The last call: ENODEV when the device was taken away. */
      onEnd?(error: Error): void;
    },
  ): EventWatch;
}
