/**
 * Does every program and library of the image find what it needs in the image? Reads what `readelf` prints, so that a library that
 * is missing or too old fails the build and not the boot.
 */
import path from 'node:path';
import { runCommand } from './run-command.js';

/** What matters of an ELF file's dynamic section. */
export interface ElfFacts {
  /** DT_SONAME, the name others need it by. */
  readonly soname: string | undefined;
  /** DT_NEEDED. */
  readonly needed: readonly string[];
  /** PT_INTERP: the dynamic loader. */
  readonly interpreter: string | undefined;
  /** Symbol versions that it defines: 'GLIBC_2.34', … */
  readonly defines: ReadonlySet<string>;
  /** Symbol versions that it needs, by library. */
  readonly requires: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Parses `readelf --wide --dynamic --version-info --program-headers`. */
export function parseReadelf(text: string): ElfFacts {
  const needed: string[] = [];
  const defines = new Set<string>();
  const requires = new Map<string, Set<string>>();
  let soname: string | undefined;
  let interpreter: string | undefined;
  let section: 'definitions' | 'needs' | undefined;
  let library = '';
  for (const line of text.split('\n')) {
    const neededName = /\(NEEDED\)\s+Shared library: \[(.*)\]/.exec(line)?.[1];
    if (neededName !== undefined) needed.push(neededName);
    soname = /\(SONAME\)\s+Library soname: \[(.*)\]/.exec(line)?.[1] ?? soname;
    interpreter = /\[Requesting program interpreter: (.*)\]/.exec(line)?.[1] ?? interpreter;
    if (/^Version definition section/.test(line)) section = 'definitions';
    else if (/^Version needs section/.test(line)) section = 'needs';
    else if (/^Version symbols section/.test(line)) section = undefined;
    if (section === 'definitions') {
      const name = /\bName: (\S+)/.exec(line)?.[1];
      if (name !== undefined) defines.add(name);
    } else if (section === 'needs') {
      library = /\bFile: (\S+)/.exec(line)?.[1] ?? library;
      const match = /\bName: (\S+)\s+Flags: (\S+)/.exec(line);
      // A weak need is a question, not a condition.
      if (match?.[1] !== undefined && match[2] !== 'WEAK') {
        const versions = requires.get(library) ?? new Set();
        requires.set(library, versions.add(match[1]));
      }
    }
  }
  return { soname, needed, interpreter, defines, requires };
}

/**
 * Checks a set of ELF files against each other.
 * @param files path in the image → facts
 * @param paths every path of the image, links included: loaders are named by path
 * @returns sentences, none when all is well
 */
export function missingInElf(files: ReadonlyMap<string, ElfFacts>, paths: ReadonlySet<string>): string[] {
  const libraries = new Map<string, ElfFacts>();
  for (const [file, facts] of files) libraries.set(facts.soname ?? path.basename(file), facts);
  const problems: string[] = [];
  for (const [file, facts] of files) {
    if (facts.interpreter !== undefined && !paths.has(facts.interpreter)) {
      problems.push(`${file} needs the loader ${facts.interpreter}, which is not in the image`);
    }
    for (const name of facts.needed) {
      if (!libraries.has(name)) problems.push(`${file} needs ${name}, which is not in the image`);
    }
    for (const [name, versions] of facts.requires) {
      const library = libraries.get(name);
      const missing = [...versions].filter((version) => library !== undefined && !library.defines.has(version));
      if (missing.length > 0)
        problems.push(`${file} needs ${missing.join(', ')} of ${name}, which the image's does not have`);
    }
  }
  return problems;
}

/** Reads one ELF file. */
export async function readElf(file: string): Promise<ElfFacts> {
  return parseReadelf(
    await runCommand(['readelf', '--wide', '--dynamic', '--version-info', '--program-headers', file]),
  );
}
