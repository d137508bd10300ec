import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { stanzaFor } from '../../../lib/image/apt-sources.js';
import { KNOWN_ARCHITECTURES } from '../../../lib/image/architecture.js';
import { main } from '../../../lib/image/main.js';
import { IMAGE_SUITES } from '../../../lib/image/packages.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { readManifests } from '../../../lib/image/root-image.js';
import { findRuntime, parseRuntimes, readRuntimes } from '../../../lib/image/runtimes.js';

const root = repositoryRoot();
const row = { suites: ['s'], packages: ['p'], configVersion: 2, why: 'w' };
const table = (rows: object, name: unknown = 'one') => JSON.stringify({ default: name, runtimes: rows });

t.test('the rows of the repository', async (t) => {
  const rows = await readRuntimes(root);
  t.strictSame(
    rows.map(({ name, isDefault }) => [name, isDefault]),
    [
      ['containerd-1.7', true],
      ['containerd-2.x', false],
    ],
  );
  t.strictSame((await findRuntime(root)).name, 'containerd-1.7');
  t.strictSame(
    (await findRuntime(root)).suites,
    IMAGE_SUITES,
    'an image has one release unless it asks for another runtime',
  );
  await t.rejects(findRuntime(root, 'containerd-3'), {
    code: 'ERR_RUNTIME',
    message: 'no such container runtime: containerd-3; there is containerd-1.7, containerd-2.x',
  });
  const host = [{ uris: ['http://m/debian'], suites: ['bookworm'], components: ['main'], signedBy: undefined }];
  for (const { suites } of rows) {
    for (const suite of suites)
      t.match(stanzaFor(suite, host), `Suites: ${suite}\n`, 'found on the mirror of any host');
  }
});

t.test('rows differ in what they name, and in nothing else', async (t) => {
  for (const arch of KNOWN_ARCHITECTURES) {
    const [usual, ...others] = await readRuntimes(root);
    const base = await readManifests(root, arch, undefined, usual);
    t.strictSame(base, await readManifests(root, arch, undefined));
    for (const other of others) {
      const entries = await readManifests(root, arch, undefined, other);
      const different = entries.filter((entry, index) => JSON.stringify(entry) !== JSON.stringify(base[index]));
      t.strictSame(
        different.map(({ path }) => path),
        ['/etc/containerd/config.toml'],
      );
      const used = new Set(
        entries.flatMap((each) => (each.kind === 'file' && 'package' in each.from ? [each.from.package] : [])),
      );
      for (const name of other.packages) t.ok(used.has(name), `${name} is in the image`);
    }
  }
});

t.test('each has the configuration of its version', async (t) => {
  for (const { configVersion } of await readRuntimes(root)) {
    const text = await readFile(path.join(root, `rootfs/files/etc/containerd/config-v${configVersion}.toml`), 'utf8');
    t.match(text, new RegExp(`^version = ${configVersion}$`, 'm'));
    for (const wanted of [
      '/var/lib/containerd"',
      '/run/containerd"',
      'SystemdCgroup = false',
      'ShimCgroup = "/podruntime/shim"',
    ])
      t.match(text, wanted);
  }
});

t.test('what is wrong in a table is named', async (t) => {
  t.match(parseRuntimes(table({ one: row })), [{ name: 'one', isDefault: true, ...row }]);
  const cases: [string, RegExp][] = [
    [table({}), /"default"/],
    [table({ one: row }, 'two'), /"default"/],
    [table({ One: row }), /"One" is no name/],
    [table({ '../x': row }), /is no name/],
    [table({ one: { ...row, suites: [] } }), /one: "suites"/],
    [table({ one: { ...row, packages: 'p' } }), /one: "packages"/],
    [table({ one: { ...row, configVersion: '3' } }), /one: "configVersion"/],
    [table({ one: { ...row, why: '' } }), /one: "why"/],
  ];
  for (const [text, message] of cases) t.throws(() => parseRuntimes(text), { code: 'ERR_MANIFEST', message });
});

t.test('a runtime that is not there is a mistake of the command line, found before anything is built', async (t) => {
  const said = t.capture(process.stderr, 'write', () => true);
  t.equal(await main(['all', '--runtime', 'rkt']), 2);
  t.match(said.args().join(''), 'no such container runtime: rkt; there is');
});
