import { errorMessage } from '../base/errors.js';
import type { ExitFunnel, ExitRequest } from './exit-funnel.js';
import type { InitLog } from './log.js';

/** What a signal to PID 1 means. Ctrl-Alt-Del arrives as SIGINT; a UPS daemon or a hypervisor's agent would send SIGPWR. */
const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, ExitRequest['action']>>> = {
  SIGINT: 'restart',
  SIGTERM: 'power-off',
  SIGPWR: 'power-off',
};

/** Leads everything that could end this process into the funnel. From here on no error of JavaScript ends PID 1 by itself. */
export function leadIntoFunnel(funnel: ExitFunnel, log: InitLog): void {
  const fatal = (what: string) => (error: unknown) => {
    log.failure('critical', what, error);
    void funnel.enter({ cause: 'fatal', action: 'restart', reason: `${what}: ${errorMessage(error)}`, force: false });
  };
  process.on('uncaughtException', fatal('uncaught exception'));
  process.on('unhandledRejection', fatal('unhandled rejection'));
  for (const [signal, action] of Object.entries(SIGNALS)) {
    process.on(signal, () => void funnel.enter({ cause: 'asked', action, reason: `signal ${signal}`, force: false }));
  }
  // Node's own listener writes to the console with a call that waits for the terminal.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warning(`${warning.name}: ${warning.message}`));
}
