import { write } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { NativeAddon, Watchdog } from '../native/contract.js';
import { unmountAll } from '../os/unmount.js';
import { CONTAINERD_ID, KUBELET_ID, MACHINED_ID } from './allow-list.js';
import { askToDrain, askToStopContainers, askToWipe } from './ask-machined.js';
import type { ExitEffects } from './exit-funnel.js';
import type { InitLog } from './log.js';
import type { ServiceManager } from './service-manager.js';

/** Less than the funnel's own deadline: what is left then is detached. */
const UNMOUNT_MS = 8000;
const STDERR = 2;

/** The exit funnel's hold on the real machine. `services` and `watchdog` are asked late: the way down may begin before there are any. */
export function exitEffects(
  native: Pick<NativeAddon, 'channel' | 'mount' | 'power'>,
  log: InitLog,
  services: () => ServiceManager | undefined,
  watchdog: () => Pick<Watchdog, 'disarm'> | undefined,
): ExitEffects {
  return {
    announce(text) {
      // On the thread pool: a terminal whose flow is stopped must not stop PID 1.
      if (!log.critical(text)) write(STDERR, `[talos] ${text}\n`, () => {});
    },
    drain: async (signal) => {
      const manager = services();
      // A node without a kubelet has no pods.
      if (manager?.isRunning(KUBELET_ID)) await askToDrain(native, manager.find(MACHINED_ID).connection, signal);
    },
    tellPeers() {
      const manager = services();
      manager?.denyStarts();
      manager?.tellAll({ kind: 'shuttingDown' });
    },
    stopContainers: async () => {
      const manager = services();
      await manager?.stopDependentsOf(CONTAINERD_ID);
      // Without containerd nothing runs in containers, or nobody can end it in order.
      if (manager?.isRunning(CONTAINERD_ID)) await askToStopContainers(native, manager.find(MACHINED_ID).connection);
    },
    stopServices: async (except) => services()?.stopAll(except),
    wipeDisks: (what) => askToWipe(native, services()?.find(MACHINED_ID).connection, what),
    signalAll: (signal) => native.power.killAll(signal),
    processesLeft: countUserProcesses,
    sync: () => native.power.sync(),
    unmountAll: async () => {
      const { detached } = await unmountAll(native.mount, { timeoutMs: UNMOUNT_MS });
      return detached.map(({ target, message }) => `${target} (${message})`);
    },
    reboot: (action) => {
      // Up to here it watches over the way down as well. A machine that cannot cut its own power must not come back for it.
      if (action === 'power-off') disarm(watchdog(), log);
      native.power.reboot(action);
    },
    crash: () => process.abort(),
  };
}

function disarm(watchdog: Pick<Watchdog, 'disarm'> | undefined, log: InitLog): void {
  try {
    watchdog?.disarm();
  } catch (error) {
    log.failure('warning', 'the watchdog', error);
  }
}

/** Processes with a command line: neither kernel threads nor zombies have one. */
async function countUserProcesses(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commandLines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`).catch(() => undefined)));
  return commandLines.filter((commandLine) => commandLine && commandLine.length > 0).length;
}
