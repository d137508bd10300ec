/** What happened when on a node that has booted, on one clock: seconds since QEMU was started. Pure: text in, numbers out. */
import { TalosError } from '../../lib/base/errors.js';
import type { BootPhase } from '../../lib/cluster/boot-phases.js';

export interface BootStep {
  /** By what it is done; rows are drawn in groups. */
  readonly group: 'boot' | 'PID 1' | 'services';
  readonly name: string;
  readonly from: number;
  readonly until: number;
  /** Of a service: when its process was there. What follows is its own start. */
  readonly startedAt?: number;
}

/** A service as `osctl service -o json` has it. */
export interface ServiceHistory {
  readonly id: string;
  /** The oldest first; `time` by the node's clock (ISO 8601). */
  readonly events: readonly { readonly state: string; readonly message: string; readonly time: string }[];
}

export interface BootRecords {
  /** Milestones as the host saw them (lib/cluster/boot-phases.ts). */
  readonly phases: readonly BootPhase[];
  /** The console, whose lines of PID 1 have the guest's uptime. */
  readonly console: string;
  /** The log `init`, whose lines have the node's wall clock. */
  readonly initLog: string;
  readonly services: readonly ServiceHistory[];
}

/** docs/architecture.md has the forms. */
const DONE = /\[talos\] phase ([a-z0-9-]+) (?:done in|failed after) ([\d.]+) ms \(uptime ([\d.]+) s\)/;
const CONSOLE_ANCHOR = /\[talos\] phase osd-listening .*\(uptime ([\d.]+) s\)/;
const LOG_ANCHOR = /^(\S+) \S+ phase osd-listening /;
/** What a boot is cut into, in turn; those between `init` and `osd` are PID 1's, and drawn by themselves. */
const MILESTONES = ['kernel', 'stage0', 'root', 'init'] as const;

/**
 * Puts the records side by side. The line in which osd says that it listens is in all three, and sets their clocks.
 * @throws TalosError ERR_BOOT_RECORDS  one of them does not have that line
 */
export function bootSteps({ phases, console, initLog, services }: BootRecords): BootStep[] {
  const lines = console.split('\n');
  const anchorMs = phases.find(({ name }) => name === 'osd')?.atMs;
  const uptime = last(lines, CONSOLE_ANCHOR);
  // A later osd says it again: the first line of the log is that of the boot.
  const wall = initLog.split('\n').flatMap((line) => LOG_ANCHOR.exec(line)?.[1] ?? [])[0];
  if (anchorMs === undefined || uptime === undefined || wall === undefined) {
    const where = anchorMs === undefined || uptime === undefined ? 'the console' : 'the log init';
    throw new TalosError('ERR_BOOT_RECORDS', `${where} does not have the line in which osd says that it listens`);
  }
  const anchor = anchorMs / 1000;
  const ofUptime = (seconds: number) => seconds - Number(uptime) + anchor;
  const ofWall = (time: string) => (Date.parse(time) - Date.parse(wall)) / 1000 + anchor;
  return [
    ...milestoneSteps(phases),
    ...lines.flatMap((line) => phaseStep(line, ofUptime)),
    ...services.flatMap((service) => serviceStep(service, ofWall)).sort((one, other) => one.from - other.from),
  ];
}

/** The last match, since a console may hold several boots. */
function last(lines: readonly string[], pattern: RegExp): string | undefined {
  return pattern.exec(lines.findLast((line) => pattern.test(line)) ?? '')?.[1];
}

function milestoneSteps(phases: readonly BootPhase[]): BootStep[] {
  let from = 0;
  return MILESTONES.flatMap((name) => {
    const atMs = phases.find((phase) => phase.name === name)?.atMs;
    if (atMs === undefined) return [];
    const step = { group: 'boot' as const, name: `until ${name}`, from, until: atMs / 1000 };
    from = step.until;
    return [step];
  });
}

function phaseStep(line: string, ofUptime: (seconds: number) => number): BootStep[] {
  const [, name, tookMs, uptime] = DONE.exec(line) ?? [];
  if (name === undefined) return [];
  const until = ofUptime(Number(uptime));
  return [{ group: 'PID 1', name, from: until - Number(tookMs) / 1000, until }];
}

/** From its first start to the first word about its health. One that was never started, or has said nothing yet, is left out. */
function serviceStep({ id, events }: ServiceHistory, ofWall: (time: string) => number): BootStep[] {
  const first = events.findIndex(({ state }) => state === 'Starting');
  const started = events.findIndex(
    ({ message }, index) => index >= first && /^(?:Started|Runs) with process id/.test(message),
  );
  const answers = events[started + 1];
  if (first < 0 || started < 0 || answers?.state !== 'Running') return [];
  const [from, startedAt] = [first, started].map((index) => ofWall((events[index] as { time: string }).time));
  return [
    { group: 'services', name: id, from: from as number, startedAt: startedAt as number, until: ofWall(answers.time) },
  ];
}
