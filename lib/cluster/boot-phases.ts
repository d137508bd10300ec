import type { ConsoleLine } from './console-log.js';

/** A step of the boot and when the host saw it, in ms since QEMU was started. */
export interface BootPhase {
  readonly name: string;
  readonly atMs: number;
  /** One of PID 1's own phases, of which there are many: for charts, not for a line of text. */
  readonly isDetail?: true;
}

/**
 * The milestones of a boot, in their order, and the line by which each is seen.
 */
const MILESTONES: readonly (readonly [name: string, line: RegExp])[] = [
  ['kernel', /Linux version /],
  ['stage0', /stage0: started/],
  ['root', /stage0: starting /],
  ['init', /\[talos\] init started/],
  ['services', /\[talos\] phase services\b/],
  ['config', /\[machined\] the machine config was read from/],
  ['osd', /\[talos\] phase osd-listening\b/],
];

/** PID 1's own phases, in the form of lib/init/phases.ts. */
const DETAIL = /\[talos\] phase ([a-z0-9-]+) (?:done in|failed after) /;

/**
 * The milestones of the latest boot in a console log, and between them the phases of PID 1.
 * @param lines         console lines with the time at which each was seen
 * @param startedAtMs   when QEMU was started, on the same clock
 */
export function bootPhases(lines: readonly ConsoleLine[], startedAtMs: number): BootPhase[] {
  const phases: BootPhase[] = [];
  for (const line of lines) {
    const milestone = MILESTONES.find(([, pattern]) => pattern.test(line.text))?.[0];
    const name = milestone ?? DETAIL.exec(line.text)?.[1];
    if (name === undefined) continue;
    if (name === 'kernel') phases.length = 0;
    if (phases.some((phase) => phase.name === name)) continue;
    const atMs = Math.round(line.seenAtMs - startedAtMs);
    phases.push(milestone === undefined ? { name, atMs, isDetail: true } : { name, atMs });
  }
  return phases;
}
