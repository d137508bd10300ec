/**
 * The boot as data: phases with what they come after. A phase starts as soon as those are through, so what can run side by side does.
 *
 * Each one leaves a line in the kernel log, in this form, which benchmarks and `npm start` read:
 *
 *     [talos] phase <name> done in <ms> ms (uptime <s> s)
 *     [talos] phase <name> failed after <ms> ms (uptime <s> s): <why>
 *
 * `<ms>` has one decimal, `<s>` three; uptime is the kernel's own clock, so that start = uptime - ms lines up with its records.
 */
import { errorMessage } from '../base/errors.js';
import type { Clock } from './clock.js';
import type { InitLog } from './log.js';
import type { Publish } from './node-events.js';

export interface Phase {
  name: string;
  /** Without it there is no node: its failure is fatal. A failure of any other phase is logged, and those after it run. */
  isRequired: boolean;
  /** Names of phases further up in the list. */
  after: readonly string[];
  run(): void | Promise<void>;
}

/** A required phase that failed; `cause` is its error. */
export class PhaseError extends Error {
  override readonly name = 'PhaseError';
}

/**
 * Runs all phases; resolves when every one has ended.
 * @throws PhaseError  of the first required phase that failed, at once: what comes after it is not started
 */
export async function runPhases(
  phases: readonly Phase[],
  log: InitLog,
  clock: Clock,
  publish: Publish = () => {},
): Promise<void> {
  const ends = new Map<string, Promise<void>>();
  for (const phase of phases) {
    const before = phase.after.map((name) => {
      const end = ends.get(name);
      if (!end) throw new Error(`phase ${phase.name} comes after ${name}, which is not above it`);
      return end;
    });
    ends.set(phase.name, runAfter(before, phase, log, clock, publish));
  }
  await Promise.all(ends.values());
}

async function runAfter(
  before: Promise<void>[],
  phase: Phase,
  log: InitLog,
  clock: Clock,
  publish: Publish,
): Promise<void> {
  await Promise.all(before);
  publish({ kind: 'phase', name: phase.name, action: 'START' });
  const startedMs = clock.monotonicMs();
  const timing = () => {
    const nowMs = clock.monotonicMs();
    return [(nowMs - startedMs).toFixed(1), (nowMs / 1000).toFixed(3)] as const;
  };
  try {
    await phase.run();
    const [tookMs, uptime] = timing();
    log.info(`phase ${phase.name} done in ${tookMs} ms (uptime ${uptime} s)`);
  } catch (error) {
    const [tookMs, uptime] = timing();
    const why = errorMessage(error);
    log.error(`phase ${phase.name} failed after ${tookMs} ms (uptime ${uptime} s): ${why}`);
    if (phase.isRequired) throw new PhaseError(`phase ${phase.name} failed: ${why}`, { cause: error });
  } finally {
    publish({ kind: 'phase', name: phase.name, action: 'STOP' });
  }
}
