import { readFileSync } from 'node:fs';

export interface KernelParameter {
  key: string;
  /** All behind the first `=`; undefined for a bare word. */
  value: string | undefined;
}

/** The kernel command line, as init sees it. */
export class KernelCommandLine {
  /** In order, repetitions included. */
  readonly parameters: readonly KernelParameter[];
  /** What stands behind a lone `--`: meant for init, not for the kernel. */
  readonly initArguments: readonly string[];

  constructor(text: string) {
    const words = splitWords(text);
    const end = words.indexOf('--');
    const kernelWords = end === -1 ? words : words.slice(0, end);
    this.parameters = kernelWords.map(toParameter);
    this.initArguments = end === -1 ? [] : words.slice(end + 1);
  }

  /** Whether the key is there, with or without a value. */
  has(key: string): boolean {
    return this.parameters.some((parameter) => isSameKey(parameter.key, key));
  }

  /** The value of the last occurrence (later ones win, as in the kernel); '' for a bare word, undefined when it is not there. */
  get(key: string): string | undefined {
    const values = this.getAll(key);
    return values[values.length - 1];
  }

  /** The values of all occurrences, in order: `console` may be there several times. */
  getAll(key: string): string[] {
    return this.parameters.filter((parameter) => isSameKey(parameter.key, key)).map(({ value }) => value ?? '');
  }
}

/** Reads /proc/cmdline. Does not block. */
export function readKernelCommandLine(path = '/proc/cmdline'): KernelCommandLine {
  return new KernelCommandLine(readFileSync(path, 'utf8'));
}

/** The kernel takes `-` and `_` in names for the same. */
function isSameKey(left: string, right: string): boolean {
  return left.replaceAll('-', '_') === right.replaceAll('-', '_');
}

/** Words are split at white space outside of double quotes (next_arg() in the kernel's lib/cmdline.c). */
function splitWords(text: string): string[] {
  return text.match(/(?:"[^"]*(?:"|$)|[^\s"])+/g) ?? [];
}

/** One pair of quotes around the whole word or around the value is taken away; `k=v=w` has the value `v=w`. */
function toParameter(word: string): KernelParameter {
  const unquoted = word.startsWith('"') ? word.slice(1).replace(/"$/, '') : word;
  const equals = unquoted.indexOf('=');
  if (equals === -1) return { key: unquoted, value: undefined };
  const value = unquoted.slice(equals + 1);
  return {
    key: unquoted.slice(0, equals),
    value: value.startsWith('"') ? value.slice(1).replace(/"$/, '') : value,
  };
}
