/**
 * What the probes of the guard have in common. A probe is a program that measures one build, anywhere: it is always that of the working folder, so that both builds are asked
 * the same question, and takes what it measures from the build's own folder. It prints one JSON object of costs by the name of their metric. It checks what the build
 * has answered, and fails when that is wrong.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a probe is told, as JSON in its first argument. */
export interface ProbeInput {
  /** Root of a built checkout: the sources may be missing, what was made in out/ is there. */
  readonly checkout: string;
  /** Holds `<role>.cjs` and `<role>.cache` of every role. */
  readonly bundles: string;
  /** The orphan maker (test/helpers/reaper/storm.cc), compiled. */
  readonly storm: string;
}

/** What this probe was told. */
export function probeInput(): ProbeInput {
  return JSON.parse(process.argv[2] ?? '') as ProbeInput;
}

/** A compiled module of the build that is measured. @param file  such as `lib/native/index.js` */
export async function loadFrom<Module>({ checkout }: ProbeInput, file: string): Promise<Module> {
  return (await import(pathToFileURL(join(checkout, 'out', 'js', file)).href)) as Module;
}

/** The addon of the build that is measured. */
export async function nativeOf(input: ProbeInput) {
  const { loadNative } = await loadFrom<typeof import('../../lib/native/index.js')>(input, 'lib/native/index.js');
  return loadNative();
}

/** Microseconds, by the clock and of all threads of this process. */
export interface Took {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** Starts measuring. @returns a function that gives what was used since */
export function stopwatch(): () => Took {
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { wallUs: (performance.now() - startedMs) * 1000, cpuUs: user + system };
  };
}

/** Does something again and again for a while. @returns what a round took on average */
export function costOfRound(round: () => void, options: { warmUpMs: number; measuredMs: number }): Took {
  for (const end = performance.now() + options.warmUpMs; performance.now() < end; ) round();
  const took = stopwatch();
  let rounds = 0;
  for (const end = performance.now() + options.measuredMs; performance.now() < end; rounds++) round();
  const { wallUs, cpuUs } = took();
  return { wallUs: wallUs / rounds, cpuUs: cpuUs / rounds };
}

/** Prints what was measured. */
export function tell(costs: Readonly<Record<string, number>>): void {
  process.stdout.write(`${JSON.stringify(costs)}\n`);
}
