import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readAttribute } from './proc/read.js';
import { count } from './proc/text.js';

/** In kHz. */
export interface CpuFrequency {
  currentFrequency: number;
  minimumFrequency: number;
  maximumFrequency: number;
  governor: string;
}

/**
 * Frequencies of the processors, in the order of their numbers; none where the kernel does not scale them (a virtual machine). A processor that is
 * offline is left out.
 * Source: Documentation/admin-guide/pm/cpufreq.rst.
 */
export async function cpuFrequencies(folder = '/sys/devices/system/cpu'): Promise<CpuFrequency[]> {
  const numbers = (await readdir(folder))
    .flatMap((name) => /^cpu(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
  const found = await Promise.all(numbers.map((number) => frequency(join(folder, `cpu${number}`, 'cpufreq'))));
  return found.filter((each) => each !== undefined);
}

async function frequency(folder: string): Promise<CpuFrequency | undefined> {
  const attribute = (name: string) => readAttribute(join(folder, name));
  const [current, minimum, maximum, governor] = await Promise.all(
    ['scaling_cur_freq', 'cpuinfo_min_freq', 'cpuinfo_max_freq', 'scaling_governor'].map(attribute),
  );
  if (governor === undefined) return undefined;
  return {
    currentFrequency: count(current),
    minimumFrequency: count(minimum),
    maximumFrequency: count(maximum),
    governor,
  };
}
