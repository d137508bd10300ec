/** Kernel configuration fragments: lines of `CONFIG_NAME=value # why`. Pure: text in, text out. */
import { TalosError } from '../base/errors.js';

/** One option of a fragment. `n` stands for "not set", as in the kernel's own language. */
export interface KernelOption {
  readonly name: string;
  readonly value: string;
  readonly why: string;
}

const OPTION = /^(CONFIG_[A-Za-z0-9_]+)=("[^"]*"|[^\s"#]+)\s+#\s*(\S.*)$/;

/**
 * Parses a fragment.
 * @param name of the file, for messages
 * @throws TalosError ERR_KERNEL_FRAGMENT naming the line that is no option, has no reason, or names an option a second time
 */
export function parseFragment(text: string, name: string): KernelOption[] {
  const options: KernelOption[] = [];
  const seen = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const where = `${name}:${index + 1}`;
    const match = OPTION.exec(line);
    const [, option, value, why] = match ?? [];
    if (option === undefined || value === undefined || why === undefined) {
      throw new TalosError('ERR_KERNEL_FRAGMENT', `${where}: expected "CONFIG_NAME=value # why", found "${line}"`);
    }
    if (seen.has(option)) {
      throw new TalosError('ERR_KERNEL_FRAGMENT', `${where}: ${option} is set in line ${seen.get(option)} already`);
    }
    seen.set(option, index + 1);
    options.push({ name: option, value, why });
  }
  return options;
}

/** Fragments laid over each other: the last value of an option counts. */
export function mergeFragments(fragments: readonly (readonly KernelOption[])[]): Map<string, string> {
  const merged = new Map<string, string>();
  for (const fragment of fragments) for (const { name, value } of fragment) merged.set(name, value);
  return merged;
}

/** The merged options as a file that the kernel's KCONFIG_ALLCONFIG reads. */
export function renderConfig(options: ReadonlyMap<string, string>): string {
  const lines = [...options].map(([name, value]) => (value === 'n' ? `# ${name} is not set` : `${name}=${value}`));
  return `${lines.join('\n')}\n`;
}

/** The options of a finished `.config`; what is not set has the value `n`. */
export function parseConfig(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(CONFIG_\w+)=(.*)$/.exec(line) ?? [];
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line)?.[1];
    if (name !== undefined && value !== undefined) options.set(name, value);
    else if (unset !== undefined) options.set(unset, 'n');
  }
  return options;
}

/**
 * What was wanted and did not arrive.
 * @param known  every option of the source: what is not there has gone or was renamed, else a dependency is missing
 * @returns sentences, none when all is well
 */
export function droppedOptions(
  wanted: ReadonlyMap<string, string>,
  arrived: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): string[] {
  const dropped: string[] = [];
  for (const [name, value] of wanted) {
    const found = arrived.get(name);
    if (!known.has(name)) dropped.push(`${name}=${value}: this kernel has no such option (any more)`);
    else if ((found ?? 'n') !== value)
      dropped.push(`${name}=${value} became ${found ?? 'nothing: a dependency is missing'}`);
  }
  return dropped;
}
