import type { ConsoleLine } from './console-log.js';

/** A step of the boot and when the host saw it, in ms since QEMU was started. */
export interface BootPhase {
  readonly name: string;
  readonly atMs: number;
}

/**
 * The milestones of a boot, in their order, and the line by which each is seen. Everything else that PID 1 says of its phases is
 * in the console log and in `osctl dmesg`.
 */
const MILESTONES: readonly (readonly [name: string, line: RegExp])[] = [
  ['kernel', /Linux version /],
  ['stage0', /stage0: started/],
  ['init', /\[talos\] init started/],
  ['services', /\[talos\] phase services\b/],
  ['osd', /\[talos\] phase osd-listening\b/],
];

/**
 * The milestones of the latest boot in a console log.
 * @param lines         console lines with the time at which each was seen
 * @param startedAtMs   when QEMU was started, on the same clock
 */
export function bootPhases(lines: readonly ConsoleLine[], startedAtMs: number): BootPhase[] {
  const phases: BootPhase[] = [];
  for (const line of lines) {
    const name = MILESTONES.find(([, pattern]) => pattern.test(line.text))?.[0];
    if (name === undefined) continue;
    if (name === 'kernel') phases.length = 0;
    if (phases.some((phase) => phase.name === name)) continue;
    phases.push({ name, atMs: Math.round(line.seenAtMs - startedAtMs) });
  }
  return phases;
}
