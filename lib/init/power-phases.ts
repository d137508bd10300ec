/** Phases of the boot that have to do with how the machine ends: by its button, by its keys, or because PID 1 no longer runs. */
import { errorMessage } from '../base/errors.js';
import type { NativeAddon, Watchdog } from '../native/contract.js';
import { readKernelCommandLine } from '../os/kernel-command-line.js';
import { watchPowerButtons } from '../os/power-button.js';
import { findWatchdog, parseWatchdogParameter, startWatchdog } from '../os/watchdog.js';
import type { ExitRequest } from './exit-funnel.js';
import type { InitLog } from './log.js';
import type { Phase } from './phases.js';

export interface PowerContext {
  native: Pick<NativeAddon, 'netlink' | 'power'>;
  log: InitLog;
  /** Leads into the exit funnel. */
  goDown(request: ExitRequest): void;
  /** Takes the running watchdog, to stop it before the machine is powered off. */
  keepWatchdog(watchdog: Watchdog): void;
}

export function powerPhases(context: PowerContext): Phase[] {
  const { native } = context;
  return [
    {
      // The kernel would restart the machine on the spot; like this the keys are a SIGINT to PID 1, and lead into the exit funnel.
      name: 'ctrl-alt-del',
      isRequired: false,
      after: [],
      run: () => native.power.setCtrlAltDel(false),
    },
    { name: 'watchdog', isRequired: false, after: ['pseudo-filesystems'], run: () => armWatchdog(context) },
    { name: 'power-button', isRequired: false, after: ['pseudo-filesystems'], run: () => obeyPowerButtons(context) },
  ];
}

function armWatchdog({ native, log, keepWatchdog }: PowerContext): void {
  const policy = parseWatchdogParameter(readKernelCommandLine().get('talos.watchdog'));
  if (!policy) {
    log.notice('watchdog: off, by the kernel command line');
    return;
  }
  const path = findWatchdog();
  if (path === undefined) {
    log.notice('watchdog: this machine has none');
    return;
  }
  const watchdog = startWatchdog(native.power, path, policy);
  keepWatchdog(watchdog);
  const nowayout = watchdog.isNowayout ? ', and cannot be stopped any more' : '';
  log.info(
    `watchdog: ${watchdog.identity} (${path}) resets the machine when PID 1 stands still for ${policy.resetAfterSeconds} s${nowayout}`,
  );
}

function obeyPowerButtons({ native, log, goDown }: PowerContext): void {
  watchPowerButtons(native, {
    onPress: (name) => goDown({ cause: 'asked', action: 'power-off', reason: `button '${name}'`, force: false }),
    onFound: ({ name, path }) => log.info(`power button: '${name}' (${path})`),
    onProblem: ({ name, path }, error) => log.warning(`power button '${name}' (${path}): ${errorMessage(error)}`),
  });
}
