/** Programs of Debian packages that are unpacked in a folder a package and not installed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY_FOLDER = 'usr/lib/x86_64-linux-gnu';

/**
 * The environment in which they find the libraries of all the packages in `folder`.
 * @param privateFolders  of libraries, relative to the library folder, such as 'systemd'
 */
export function debianEnvironment(folder: string, privateFolders: readonly string[] = []): Record<string, string> {
  const libraries = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, LIBRARY_FOLDER));
  const all = libraries.flatMap((library) => [library, ...privateFolders.map((name) => join(library, name))]);
  return { LD_LIBRARY_PATH: all.join(':'), PATH: '/bin', LANG: 'C.UTF-8', TERM: 'dumb' };
}
