/**
 * Packages of another suite among those of the image's own: is what they were built against there, new enough? Debian works that out when it
 * builds a package, also for libraries whose symbols have no versions, which elf.ts cannot tell.
 */
import { errorCode } from '../base/errors.js';
import { runCommand } from './run-command.js';

/** What matters of a package. */
export interface DependentPackage {
  readonly name: string;
  readonly version: string;
  /** Its `Depends` field (deb-control(5)). */
  readonly depends?: string | undefined;
}

/** One package that another one asks for, in at least this version. */
export interface MinimumVersion {
  readonly name: string;
  readonly version: string;
}

/** The minimum versions in a `Depends` field. Alternatives are left out: the image lists what it has, and elf.ts sees what lacks. */
export function minimumVersions(depends: string): MinimumVersion[] {
  return depends.split(',').flatMap((each) => {
    const [, name, version] = /^\s*([a-z0-9][a-z0-9.+-]*)(?::\w+)?\s*\(>=\s*([^)\s]+)\s*\)\s*$/.exec(each) ?? [];
    return name === undefined || version === undefined ? [] : [{ name, version }];
  });
}

/**
 * Checks packages against all of the image.
 * @returns sentences, none when all is well
 */
export async function tooOldFor(
  packages: readonly DependentPackage[],
  image: readonly DependentPackage[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, version, depends = '' } of packages) {
    for (const minimum of minimumVersions(depends)) {
      const there = image.find((each) => each.name === minimum.name);
      if (there === undefined || (await isAtLeast(there.version, minimum.version))) continue;
      problems.push(`${name} ${version} needs ${minimum.name} ${minimum.version}, and the image has ${there.version}`);
    }
  }
  return problems;
}

/** By Debian's order of versions (deb-version(7)). */
async function isAtLeast(version: string, minimum: string): Promise<boolean> {
  try {
    await runCommand(['dpkg', '--compare-versions', version, 'ge', minimum]);
    return true;
  } catch (error) {
    // Its answer; a dpkg that cannot be run is none.
    if (errorCode(error) === 'ERR_TOOL') return false;
    throw error;
  }
}
