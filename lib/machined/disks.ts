/** The disks of this node, for whoever wipes them: what does it is loaded when somebody asks, which most nodes never do. */
import type { DiskWiper, DiskWiperOptions } from './disk-wiper.js';

export type Disks = Pick<DiskWiper, 'check' | 'wipe' | 'wipeDevices'>;

/** As DiskWiper. */
export function disksOf(options: DiskWiperOptions): Disks {
  const wiper = async () => new (await import('./disk-wiper.js')).DiskWiper(options);
  return {
    check: async (paths) => (await wiper()).check(paths),
    wipe: async (paths) => (await wiper()).wipe(paths),
    wipeDevices: async (wanted) => (await wiper()).wipeDevices(wanted),
  };
}
