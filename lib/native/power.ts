import {
  argumentError,
  checkAbsolutePath,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkName,
  checkObject,
  checkString,
} from './arguments.js';
import type { EventWatch, KeyEvent, PowerModule, Watchdog, WatchdogOptions } from './contract.js';

export interface RawWatchdog extends Pick<Watchdog, 'pets' | 'withheld' | 'disarm'> {
  readonly facts: Omit<Watchdog, 'pets' | 'withheld' | 'disarm'>;
}

/** What the addon itself exports. */
export interface RawPowerModule {
  sync(): Promise<void>;
  reboot(command: string, argument: string): void;
  setCtrlAltDel(enabled: boolean): void;
  setHostname(name: string): void;
  killAll(signal: string): void;
  openWatchdog(
    path: string,
    timeoutSeconds: number,
    pretimeoutSeconds: number,
    aliveWithinMs: number,
    intervalMs: number,
  ): RawWatchdog;
  /** Code and value of each key; without numbers it is the last call. */
  watchKeys(
    path: string,
    callback: (numbers: Int32Array | undefined, isIncompleteOrError: boolean | Error) => void,
  ): EventWatch;
}

const REBOOT_COMMANDS: ReadonlySet<string> = new Set(['restart', 'power-off', 'halt']);
/** __NEW_UTS_LEN. */
const MAX_HOSTNAME_BYTES = 64;
const MAX_REBOOT_ARGUMENT_BYTES = 255;
/** The largest that any driver has; each device has a range of its own. */
const MAX_WATCHDOG_SECONDS = 65_535;
/** Of a timeout: one petting may be late, and a second one lost. */
const PETS_PER_TIMEOUT = 4;
const KEY_ACTIONS: readonly KeyEvent['action'][] = ['released', 'pressed', 'repeated'];
const SIGNALS: ReadonlySet<string> = new Set([
  ...['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT', 'SIGABRT'],
]);

/**
 * What ends or names the machine. `reboot` and `killAll` are EPERM in any process but PID 1 (of its namespace): a stray call
 * on a developer's machine must do nothing.
 *
 * `sync` sleeps on a thread of the pool until all dirty data is written, for ever on a device that does not answer: race it
 * against a deadline. The others do not block.
 */
export function createPowerModule(raw: RawPowerModule): PowerModule {
  return {
    sync: () => raw.sync(),
    reboot(command, argument = '') {
      checkName(command, 'command', REBOOT_COMMANDS);
      checkString(argument, 'argument');
      if (Buffer.byteLength(argument) > MAX_REBOOT_ARGUMENT_BYTES || (argument !== '' && command !== 'restart')) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'argument', 'of up to 255 bytes, and for a restart', argument);
      }
      raw.reboot(command, argument);
    },
    setCtrlAltDel(enabled) {
      checkBoolean(enabled, 'enabled');
      raw.setCtrlAltDel(enabled);
    },
    setHostname(name) {
      checkString(name, 'name');
      const sizeBytes = Buffer.byteLength(name);
      if (sizeBytes === 0 || sizeBytes > MAX_HOSTNAME_BYTES) {
        throw argumentError('ERR_INVALID_ARG_VALUE', 'name', `of 1 to ${MAX_HOSTNAME_BYTES} bytes`, name);
      }
      raw.setHostname(name);
    },
    killAll(signal) {
      checkName(signal, 'signal', SIGNALS);
      raw.killAll(signal);
    },
    openWatchdog(options) {
      const { path, timeoutSeconds, pretimeoutSeconds, aliveWithinMs } = checkWatchdogOptions(options);
      const intervalMs = Math.floor((timeoutSeconds * 1000) / PETS_PER_TIMEOUT);
      return wrapWatchdog(raw.openWatchdog(path, timeoutSeconds, pretimeoutSeconds, aliveWithinMs, intervalMs));
    },
    watchKeys(path, handlers) {
      checkAbsolutePath(path, 'path');
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onKeys, 'handlers.onKeys');
      if (handlers.onEnd !== undefined) checkFunction(handlers.onEnd, 'handlers.onEnd');
      const watch = raw.watchKeys(path, (numbers, isIncompleteOrError) => {
        if (numbers) return handlers.onKeys(toKeyEvents(numbers), isIncompleteOrError === true);
        watch.close();
        handlers.onEnd?.(isIncompleteOrError as Error);
      });
      return watch;
    },
  };
}

function checkWatchdogOptions(options: WatchdogOptions): Required<WatchdogOptions> {
  checkObject(options, 'options');
  const { path, timeoutSeconds, pretimeoutSeconds = 0 } = options as unknown as WatchdogOptions;
  checkAbsolutePath(path, 'options.path');
  checkInteger(timeoutSeconds, 'options.timeoutSeconds', 2, MAX_WATCHDOG_SECONDS);
  checkInteger(pretimeoutSeconds, 'options.pretimeoutSeconds', 0, timeoutSeconds - 1);
  const { aliveWithinMs = timeoutSeconds * 1000 } = options as unknown as WatchdogOptions;
  checkInteger(aliveWithinMs, 'options.aliveWithinMs', 1000, MAX_WATCHDOG_SECONDS * 1000);
  return { path, timeoutSeconds, pretimeoutSeconds, aliveWithinMs };
}

function wrapWatchdog(raw: RawWatchdog): Watchdog {
  const { identity, firmwareVersion, timeoutSeconds, pretimeoutSeconds, isNowayout } = raw.facts;
  return {
    identity,
    firmwareVersion,
    timeoutSeconds,
    pretimeoutSeconds,
    isNowayout,
    get pets() {
      return raw.pets;
    },
    get withheld() {
      return raw.withheld;
    },
    disarm: () => raw.disarm(),
  };
}

function toKeyEvents(numbers: Int32Array): KeyEvent[] {
  const keys: KeyEvent[] = [];
  for (let position = 0; position < numbers.length; position += 2) {
    const action = KEY_ACTIONS[numbers[position + 1] as number];
    if (action !== undefined) keys.push({ code: numbers[position] as number, action });
  }
  return keys;
}
