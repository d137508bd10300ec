/** The bill of materials names what static programs carry of the build machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hostArchitecture, toolPrefix } from '../../../lib/image/architecture.js';
import { stage0Sources } from '../../../lib/image/compile.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { buildSbom, type SbomFacts } from '../../../lib/image/sbom.js';
import { staticLibraries } from '../../../lib/image/static-libraries.js';
import { spdxProblems } from '../../helpers/spdx-schema.js';

const arch = hostArchitecture();
const root = repositoryRoot();

/** The libraries whose members the linker takes for a program, by its own map. */
function linkedArchives(folder: string, sources: readonly string[]): string[] {
  const map = path.join(folder, 'map');
  const flags = [
    '-std=c++20',
    '-Os',
    '-static',
    '-fno-exceptions',
    '-fno-rtti',
    '-ffunction-sections',
    '-fdata-sections',
  ];
  const more = ['-D_GNU_SOURCE', '-Wl,--gc-sections', `-Wl,-Map=${map}`, `-I${path.join(root, 'native')}`];
  execFileSync(`${toolPrefix(arch)}g++`, [...flags, ...more, ...sources, '-o', path.join(folder, 'program')]);
  const [, placed = ''] = readFileSync(map, 'utf8').split('Linker script and memory map');
  const members = placed.matchAll(/^ (?:\.text\S*)?\s+0x0*[1-9a-f][0-9a-f]* +0x[0-9a-f]+ \S*\/(lib[^/]+\.a)\(/gm);
  return [...new Set([...members].map(([, name = '']) => name.replace('_eh', '')))].sort();
}

/** What a document says of the packages that a file is linked with. */
function told(facts: Pick<SbomFacts, 'bootFiles' | 'staticLibraries'>, kubernetes: boolean): string[] {
  const entries = kubernetes
    ? [
        {
          path: '/pause.tar',
          kind: 'file',
          why: 'x',
          mode: '0644',
          from: { kind: 'kubernetes', kubernetes: 'pause.tar' },
        },
      ]
    : [];
  const document = buildSbom({
    name: 'talos',
    arch,
    created: '2026-01-01T00:00:00Z',
    manifest: {
      ...{ version: 'v1', sha: 'abc', architecture: arch, layer: 'none', runtime: 'x', packages: [], npmPackages: [] },
      ...{ entries: entries.map((each) => ({ ...each, sha1: 'a'.repeat(40), sha256: 'a'.repeat(64) })), sizes: [] },
      kubernetes: { version: 'v1', source: 'debian-source', origin: 'x', packages: [], modules: [] },
    } as unknown as SbomFacts['manifest'],
    kernel: { release: '6.12', origin: { kind: 'given', name: 'linux' } },
    node: { name: 'node', version: '1', licence: 'MIT', components: {} },
    stub: undefined,
    ...facts,
  });
  t.same(spdxProblems(document), []);
  const linked = document.relationships.filter((each) => each.relationshipType === 'STATIC_LINK');
  const ids = linked.map((each) => each.relatedSpdxElement);
  return document.packages.filter((each) => ids.includes(each.SPDXID)).map((each) => each.name);
}

t.test('stage0 and the pause program, as the linker makes them', async (t) => {
  const libraries = await staticLibraries(arch);
  const stage0 = { path: 'init', why: 'stage0', from: 'stage0', sha1: 'b'.repeat(40), sha256: 'b'.repeat(64) } as const;
  const programs = [
    [await stage0Sources(root), told({ bootFiles: [stage0], staticLibraries: libraries }, false)],
    [[path.join(root, 'native', 'pause', 'pause.cc')], told({ bootFiles: [], staticLibraries: libraries }, true)],
  ] as const;
  for (const [sources, packages] of programs) {
    const archives = linkedArchives(t.testdir(), sources);
    t.ok(archives.includes('libc.a'));
    t.same(packages.sort(), archives.map((archive) => libraries.find((each) => each.archive === archive)?.name).sort());
  }
  t.same(
    libraries.map(({ name, source }) => [name.replace(/-\d+/, ''), source.replace(/-\d+/, '')]),
    [
      ['libc6-dev', 'glibc'],
      ['libgcc-dev', 'gcc'],
      ['libstdc++-dev', 'gcc'],
    ],
  );
});
