import t from 'tap';
import { parseDeb822Sources, parseOneLineSources, stanzaFor } from '../../../lib/image/apt-sources.js';

const ONE_LINE = `# comment
deb http://mirror.example/debian bookworm main contrib # the release
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian-security bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb https://tools.example/apt stable main
`;

const DEB822 = `# comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian.pgp

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: trixie
Components: main
`;

t.test('one-line format', async (t) => {
  const sources = parseOneLineSources(ONE_LINE);
  t.same(
    sources.map(({ uris, suites, signedBy }) => [uris[0], suites[0], signedBy]),
    [
      ['http://mirror.example/debian', 'bookworm', undefined],
      ['http://mirror.example/debian-security', 'bookworm-security', '/usr/share/keyrings/debian.gpg'],
      ['https://tools.example/apt', 'stable', undefined],
    ],
  );
  t.same(sources[0]?.components, ['main', 'contrib']);
});

t.test('deb822 format', async (t) => {
  const sources = parseDeb822Sources(DEB822);
  t.equal(sources.length, 2, 'without the disabled one and the one for source packages');
  t.same(sources[0]?.suites, ['trixie', 'trixie-updates']);
  t.match(sources[1]?.signedBy, /BEGIN PGP[\s\S]*\n {1}\.\n {1}abc/);
});

t.test('another suite on the same mirror', async (t) => {
  const bookworm = parseOneLineSources(ONE_LINE);
  t.equal(
    stanzaFor('trixie', bookworm),
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main\n',
  );
  t.match(
    stanzaFor('bookworm-security', bookworm),
    /URIs: http:\/\/mirror.example\/debian-security\n[\s\S]*Signed-By: /,
  );
  t.match(stanzaFor('bookworm-security', parseDeb822Sources(DEB822)), /debian-security\n[\s\S]*PGP PUBLIC KEY/);
});

t.test('source packages, whether or not the machine asks for them itself', async (t) => {
  const sources = parseOneLineSources('deb http://mirror.example/debian bookworm main\n');
  t.match(stanzaFor('bookworm', sources, true), /^Types: deb deb-src$/m);
  t.match(stanzaFor('bookworm-security', sources, true), /^Types: deb deb-src$/m);
  t.match(stanzaFor('bookworm', sources), /^Types: deb$/m, 'their lists are large: nobody else fetches them');
});

t.test('a machine without a Debian mirror', async (t) => {
  t.equal(stanzaFor('trixie', []), undefined);
  t.equal(stanzaFor('trixie', parseOneLineSources('deb https://tools.example/apt nodistro main\n')), undefined);
});

t.test('a machine that knows no security suite', async (t) => {
  const security = (uri: string) => stanzaFor('bookworm-security', parseOneLineSources(`deb ${uri} trixie main\n`));
  t.match(security('http://mirror.example/debian'), /^URIs: http:\/\/mirror\.example\/debian-security$/m);
  t.match(security('http://mirror.example/pub/debian/'), /^URIs: http:\/\/mirror\.example\/pub\/debian-security\/$/m);
  t.equal(security('http://mirror.example/own-archive'), undefined, 'nothing is guessed for other layouts');
});

t.test('what others offer under the name of a release of Debian is not taken for its mirror', async (t) => {
  // As the files in sources.list.d are read: in the order of their names, with debian.sources behind these.
  const others = parseOneLineSources(`deb [signed-by=/k.gpg] https://packages.cloud.example/repos/cli/ bookworm main
deb [arch=amd64] https://browser.example/ stable main
`);
  const debian = parseDeb822Sources(DEB822);
  t.match(stanzaFor('trixie', [...others, ...debian]), /^URIs: http:\/\/mirror\.example\/debian$/m);
  t.match(stanzaFor('trixie-security', [...others, ...debian]), /^URIs: http:\/\/mirror\.example\/debian-security$/m);
  const plain = parseOneLineSources('deb http://archive.example/mirror bookworm main');
  t.match(stanzaFor('trixie', plain), /archive\.example\/mirror/, 'a mirror may be called otherwise');
});
