/** What proc(5) tells of the memory of a process. Pure: text in, values out. */
import { KIB } from '../../lib/base/units.js';

export interface ProcessMemory {
  /** All pages that it has in memory, those of others' programs and libraries included. */
  readonly rssBytes: number;
  /** The same, with each page divided by the number of those who have it: of all processes together it is what they take. */
  readonly pssBytes: number;
}

/**
 * @param text  of /proc/PID/smaps_rollup (Linux, Documentation/ABI/testing/procfs-smaps_rollup)
 * @throws Error when it has no Rss and Pss, or they cannot be true
 */
export function parseSmapsRollup(text: string): ProcessMemory {
  const bytesOf = (name: string) => {
    const [, kilobytes] = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text) ?? [];
    if (kilobytes === undefined) throw new Error(`no ${name} in ${JSON.stringify(text)}`);
    return Number(kilobytes) * KIB;
  };
  const memory = { rssBytes: bytesOf('Rss'), pssBytes: bytesOf('Pss') };
  if (memory.pssBytes > memory.rssBytes) throw new Error(`more Pss than Rss in ${JSON.stringify(text)}`);
  return memory;
}

/**
 * Where a process is in the tree of cgroup v2, without the slash in front: '' is the root.
 * @param text  of /proc/PID/cgroup (cgroups(7))
 * @throws Error when it is in none
 */
export function parseCgroupPath(text: string): string {
  const [, path] = /^0::\/(.*)$/m.exec(text) ?? [];
  if (path === undefined) throw new Error(`no group of cgroup v2 in ${JSON.stringify(text)}`);
  return path;
}

/**
 * @param text  of memory.current
 * @throws Error when it is no number
 */
export function parseMemoryCurrent(text: string): number {
  if (!/^\d+\n$/.test(text)) throw new Error(`no number of bytes: ${JSON.stringify(text)}`);
  return Number(text);
}

/** The name of a program by its first argument, or that of the process in brackets where it has no arguments. */
export function programName({ args, command }: { args: string; command: string }): string {
  const [first = ''] = args.split(' ');
  return first === '' ? `[${command}]` : first.slice(first.lastIndexOf('/') + 1);
}
