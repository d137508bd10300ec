import type { ConsoleLine } from './console-log.js';

/** A step of the boot and when the host saw it, in ms since QEMU was started. */
export interface BootPhase {
  readonly name: string;
  readonly atMs: number;
}

/** The lines that begin a phase. PID 1 and stage0 write theirs as `[talos] phase NAME …` to the kernel log. */
const KERNEL_START = /Linux version /;
const TALOS_PHASE = /\[talos\] phase ([a-z0-9-]+)/;

/**
 * The phases of the latest boot in a console log.
 * @param lines         console lines with the time at which each was seen
 * @param startedAtMs   when QEMU was started, on the same clock
 */
export function bootPhases(lines: readonly ConsoleLine[], startedAtMs: number): BootPhase[] {
  const phases: BootPhase[] = [];
  const add = (name: string, line: ConsoleLine): void => {
    if (!phases.some((phase) => phase.name === name)) {
      phases.push({ name, atMs: Math.round(line.seenAtMs - startedAtMs) });
    }
  };
  for (const line of lines) {
    if (KERNEL_START.test(line.text)) {
      phases.length = 0;
      add('kernel', line);
    }
    const phase = TALOS_PHASE.exec(line.text)?.[1];
    if (phase !== undefined) add(phase, line);
  }
  return phases;
}
