import type { ReaperStats } from '../native/contract.js';
import type { Clock } from './clock.js';
import type { InitLog } from './log.js';

/** A storm of orphans makes one line a second, not one an orphan. */
const INTERVAL_MS = 1000;

/**
 * Tells the kernel log how many orphans were reaped, in the form `[talos] reaped <n> orphans (<total> since boot)`, for as long as this
 * process lives. Reaping itself is done by the addon's own thread; this only looks at its counters.
 */
export function watchReaper(stats: () => ReaperStats, log: InitLog, clock: Clock): void {
  let told = 0;
  const look = () => {
    const { orphansReaped } = stats();
    if (orphansReaped > told) log.info(`reaped ${orphansReaped - told} orphans (${orphansReaped} since boot)`);
    told = orphansReaped;
    clock.after(INTERVAL_MS, look);
  };
  clock.after(INTERVAL_MS, look);
}
