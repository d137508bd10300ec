/** Which Go modules are inside of programs, for the bill of materials: of what the source carries along only a part is linked. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, type Progress } from '../../base/build-cache.js';
import { runCommand } from '../run-command.js';
import type { DebianPins } from './debian-pins.js';
import { forTarget, goEnvironment, PROGRAMS, TAGS } from './go-build.js';
import { layOutGoTree } from './go-tree.js';
import type { GoModule } from './source.js';

const FILE = 'modules.json';
/** How vendored packages are called by the source that has them. */
const VENDORED = 'k8s.io/kubernetes/vendor/';

/** The modules that are linked into any of the programs, sorted; Kubernetes' own parts are none. */
export async function linkedModules(pins: DebianPins, onProgress: Progress): Promise<GoModule[]> {
  const folder = await cached({
    kind: 'kubernetes-modules',
    inputs: { recipe: 1, pins: forTarget(pins), programs: PROGRAMS, tags: TAGS },
    onProgress,
    make: async (made) => {
      const work = path.join(made, 'work');
      await mkdir(work);
      const tree = await layOutGoTree(pins, work, onProgress);
      onProgress('listing the modules inside of Kubernetes');
      const listed = await runCommand(
        [
          path.join(tree.goroot, 'bin', 'go'),
          ...['list', '-deps', '-tags', TAGS.join(',')],
          ...PROGRAMS.map((name) => `./cmd/${name}`),
        ],
        { cwd: tree.source, env: goEnvironment(tree, work) },
      );
      const vendored = parseModules(await readFile(path.join(tree.source, 'vendor', 'modules.txt'), 'utf8'));
      for (const [name, { package: pin }] of Object.entries(pins.replacements)) {
        // Debian's version without its revision is upstream's.
        vendored.set(name.slice('vendor/'.length), `v${pin.version.replace(/-[^-]*$/, '')}`);
      }
      const modules = modulesOf(listed.split('\n'), vendored);
      await writeFile(path.join(made, FILE), JSON.stringify(modules));
      await rm(work, { recursive: true });
    },
  });
  return JSON.parse(await readFile(path.join(folder, FILE), 'utf8')) as GoModule[];
}

/** vendor/modules.txt: versions by module; parts of the same repository, which have none of their own, are left out. */
export function parseModules(text: string): Map<string, string> {
  const modules = new Map<string, string>();
  for (const [, name = '', version = ''] of text.matchAll(/^# (\S+)(?: v\S+)?(?: => \S+)? (v\S+)$/gm)) {
    modules.set(name, version);
  }
  return modules;
}

/** The modules that packages belong to: to the one with the longest name that fits. */
export function modulesOf(packages: readonly string[], vendored: ReadonlyMap<string, string>): GoModule[] {
  const found = new Map<string, string>();
  for (const each of packages) {
    if (!each.startsWith(VENDORED)) continue;
    for (let name = each.slice(VENDORED.length); name !== '.'; name = path.posix.dirname(name)) {
      const version = vendored.get(name);
      if (version === undefined) continue;
      found.set(name, version);
      break;
    }
  }
  return [...found].sort().map(([name, version]) => ({ name, version }));
}
