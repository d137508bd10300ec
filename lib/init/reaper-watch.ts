import type { ReaperStats } from '../native/contract.js';
import type { InitLog } from './log.js';

/** A storm of orphans makes one line a second, not one an orphan. */
const INTERVAL_MS = 1000;

/**
 * Tells the kernel log how many orphans were reaped, in the form `[talos] reaped <n> orphans (<total> since boot)`. Reaping itself is
 * done by the addon's own thread; this only looks at its counters.
 * @returns ends it
 */
export function watchReaper(stats: () => ReaperStats, log: InitLog): () => void {
  let told = 0;
  const timer = setInterval(() => {
    const { orphansReaped } = stats();
    if (orphansReaped === told) return;
    log.info(`reaped ${orphansReaped - told} orphans (${orphansReaped} since boot)`);
    told = orphansReaped;
  }, INTERVAL_MS);
  return () => clearInterval(timer);
}
