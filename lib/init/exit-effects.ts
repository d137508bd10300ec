import { write } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { NativeAddon } from '../native/contract.js';
import type { ExitEffects } from './exit-funnel.js';
import type { InitLog } from './log.js';
import type { ServiceManager } from './service-manager.js';

/** A mount that is busy may be free a moment later, when what was mounted on it or a dying process is gone. */
const UNMOUNT_ROUNDS = 3;
const STDERR = 2;

/** The exit funnel's hold on the real machine. `services` is asked late: the way down may begin before there are any. */
export function exitEffects(
  native: Pick<NativeAddon, 'mount' | 'power'>,
  log: InitLog,
  services: () => ServiceManager | undefined,
): ExitEffects {
  return {
    announce(text) {
      // On the thread pool: a terminal whose flow is stopped must not stop PID 1.
      if (!log.critical(text)) write(STDERR, `[talos] ${text}\n`, () => {});
    },
    tellPeers() {
      const manager = services();
      manager?.denyStarts();
      for (const connection of manager?.connections() ?? []) connection.sendEvent({ kind: 'shuttingDown' });
    },
    stopServices: async () => services()?.stopAll(),
    signalAll: (signal) => native.power.killAll(signal),
    processesLeft: countUserProcesses,
    sync: () => native.power.sync(),
    unmountAll: () => unmountDevices(native),
    reboot: (action) => native.power.reboot(action),
    crash: () => process.abort(),
  };
}

/** Processes with a command line: neither kernel threads nor zombies have one. */
async function countUserProcesses(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commandLines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`).catch(() => undefined)));
  return commandLines.filter((commandLine) => commandLine && commandLine.length > 0).length;
}

/**
 * Unmounts what is on a device, last mounted first, so that no journal is left open. The root itself is read-only and stays.
 * @returns what could not be unmounted
 */
async function unmountDevices(native: Pick<NativeAddon, 'mount'>): Promise<string[]> {
  let left: string[] = [];
  for (let round = 0; round < UNMOUNT_ROUNDS; round++) {
    const targets = native.mount
      .mountInfo()
      .filter(({ device, mountPoint }) => mountPoint !== '/' && !device.startsWith('0:'))
      .map(({ mountPoint }) => mountPoint)
      .reverse();
    left = [];
    for (const target of targets) {
      await native.mount.umount(target, ['nofollow']).catch(() => left.push(target));
    }
    if (left.length === 0) break;
  }
  return left;
}
