import { argumentError, checkBoolean, checkName, checkString } from './arguments.js';
import type { PowerModule } from './contract.js';

/** What the addon itself exports. */
export interface RawPowerModule {
  sync(): Promise<void>;
  reboot(command: string): void;
  setCtrlAltDel(enabled: boolean): void;
  setHostname(name: string): void;
  killAll(signal: string): void;
}

const REBOOT_COMMANDS: ReadonlySet<string> = new Set(['restart', 'power-off', 'halt']);
/** __NEW_UTS_LEN. */
const MAX_HOSTNAME_BYTES = 64;
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
    reboot(command) {
      checkName(command, 'command', REBOOT_COMMANDS);
      raw.reboot(command);
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
  };
}
