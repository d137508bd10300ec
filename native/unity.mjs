// node native/unity.mjs FOLDER LIST…: writes translation units that include all sources of a folder of native/, and prints their paths,
// one a line. Most of the time of a compiler goes into headers: the cores take a sixth of it that way.
// A file is written when it would differ only, so that a build after a change compiles the folder of that change again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** More in one unit, and one processor compiles it while the others wait. */
const mostSources = 12;

/** Tests make what these define fail by the linker (--wrap), which sees no call within a unit. */
const alone = new Set(['native/sys/clone3.cc']);

/** Sources of one unit: those of a folder, in parts. */
function unitsOf(sources) {
  const units = new Map();
  for (const source of sources) {
    if (alone.has(source)) {
      units.set(path.basename(source, '.cc'), [source]);
      continue;
    }
    const folder = path.basename(path.dirname(source));
    let part = 1;
    while ((units.get(`${folder}_${part}`) ?? []).length >= mostSources) part++;
    const name = `${folder}_${part}`;
    units.set(name, [...(units.get(name) ?? []), source]);
  }
  return units;
}

/** As it is, or as it has to be. */
function keep(file, text) {
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    // It is not there.
  }
  writeFileSync(file, text);
}

const [folder, ...lists] = process.argv.slice(2);
const listed = JSON.parse(readFileSync(path.join(root, 'native', 'sources.json'), 'utf8'));
mkdirSync(folder, { recursive: true });
for (const [name, sources] of unitsOf(lists.flatMap((list) => listed[list]))) {
  const file = path.join(folder, `${name}.cc`);
  keep(file, sources.map((source) => `#include "${path.join(root, source)}"\n`).join(''));
  process.stdout.write(`${file}\n`);
}
