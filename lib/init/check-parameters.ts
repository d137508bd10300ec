import { architectureName } from '../base/architecture.js';
import { KERNEL_PARAMETERS, OWN_PARAMETERS, OWN_PREFIX } from '../base/kernel-parameters.js';
import type { KernelCommandLine } from '../os/kernel-command-line.js';

/** Enough of a parameter to recognise it in a sentence. */
const SHOWN_CHARACTERS = 80;

/**
 * What a command line lacks for a node to go on, and what it has of ours that nobody knows.
 * @param nodeArchitecture  as `process.arch`
 * @param more  names of ours that this root image takes besides those of every node (lib/os/test-parameters.ts)
 * @returns sentences, none when all is well
 */
export function commandLineProblems(
  line: KernelCommandLine,
  nodeArchitecture: string,
  more: readonly string[] = [],
): string[] {
  const own = [...OWN_PARAMETERS, ...more];
  const architecture = architectureName(nodeArchitecture);
  const problems: string[] = [];
  for (const { word, isRequired, architecture: only, reason } of KERNEL_PARAMETERS) {
    if (!isRequired || (only !== undefined && only !== architecture)) continue;
    const [key = '', value = ''] = word.split('=');
    const found = line.get(key);
    if (found === undefined) problems.push(`${word} is missing (${reason})`);
    else if (found !== value) problems.push(`${key}=${found.slice(0, SHOWN_CHARACTERS)} must be ${word} (${reason})`);
  }
  for (const { key } of line.parameters) {
    const name = key.replaceAll('-', '_');
    if (name.startsWith(OWN_PREFIX) && !own.includes(name)) {
      problems.push(`${key.slice(0, SHOWN_CHARACTERS)} is unknown: there are ${own.join(', ')}`);
    }
  }
  return problems;
}

/** @throws Error with all problems of the command line in one sentence */
export function checkCommandLine(
  line: KernelCommandLine,
  { nodeArchitecture = process.arch as string, more = [] as readonly string[] } = {},
): void {
  const problems = commandLineProblems(line, nodeArchitecture, more);
  if (problems.length > 0) throw new Error(`the kernel command line is not what a node needs: ${problems.join('; ')}`);
}
