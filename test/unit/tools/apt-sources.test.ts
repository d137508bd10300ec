import t from 'tap';
import { checkout } from '../../helpers/checkout.js';

const { parseOneLine, parseDeb822, backportsStanza } = await import(`${checkout}/tools/lib/apt-sources.mjs`);

t.test('the one-line format', async (t) => {
  const sources = parseOneLine(`
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/usr/share/keyrings/b.gpg] http://mirror.example/debian bookworm main contrib # why
deb-src http://mirror.example/debian bookworm main
   deb http://mirror.example/security bookworm-security main
deb nonsense
`);
  t.equal(sources.length, 3);
  t.same(sources[0].uris, ['http://mirror.example/debian']);
  t.same(sources[0].components, ['main', 'contrib']);
  t.equal(sources[0].options.get('Signed-By'), '/usr/share/keyrings/a.gpg /usr/share/keyrings/b.gpg');
  t.equal(sources[0].options.get('Architectures'), 'amd64');
  t.same(sources[1].types, ['deb-src']);
});

t.test('the deb822 format', async (t) => {
  const sources = parseDeb822(`# the release
Types: deb deb-src
URIs: http://mirror.example/debian
# a comment inside
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
Enabled: no
URIs: http://off.example/
Suites: trixie
Components: main
`);
  t.equal(sources.length, 1, 'the disabled stanza is left out');
  t.same(sources[0].suites, ['trixie', 'trixie-updates']);
  t.match(sources[0].options.get('Signed-By'), /BEGIN PGP[\s\S]*\n \.\n abc/, 'an embedded key keeps its lines');
});

t.test('backports come from the mirror of the release', async (t) => {
  const sources = parseDeb822(
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k.gpg\n',
  );
  t.equal(
    backportsStanza(sources, 'bookworm'),
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /k.gpg\n',
  );
  t.equal(backportsStanza(sources, 'trixie'), undefined, 'no source carries that release');
  const both = [...sources, ...parseOneLine('deb http://other.example/debian bookworm-backports main')];
  t.equal(backportsStanza(both, 'bookworm'), undefined, 'configured already');
  const sourceOnly = parseOneLine('deb-src http://mirror.example/debian bookworm main');
  t.equal(backportsStanza(sourceOnly, 'bookworm'), undefined, 'source packages are not enough');
});

t.test('a cloud with a release of the same name is not taken for the mirror', async (t) => {
  const cloud = parseOneLine('deb [signed-by=/k.gpg] https://packages.cloud.example/repos/cli/ bookworm main');
  const debian = parseDeb822(
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n',
  );
  t.match(backportsStanza([...cloud, ...debian], 'bookworm'), /^URIs: http:\/\/mirror\.example\/debian$/m);
});
