/** Licences of Debian packages in a bill of materials. Source: Debian's "copyright-format/1.0", 7.2. */
import t from 'tap';
import { declaredLicence } from '../../../lib/image/debian-licence.js';
import type { PackageRecord } from '../../../lib/image/packages.js';
import { buildSbom, type SbomFacts } from '../../../lib/image/sbom.js';
import { spdxProblems } from '../../helpers/spdx-schema.js';

const FORMAT = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n';

t.test("Debian's copyright files", async (t) => {
  const format = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n';
  const one = (names: string) => declaredLicence(`${format}Files: *\nLicense: ${names}\n Text\n .\n more\n`);
  t.equal(one('GPL-2+')?.expression, 'GPL-2.0-or-later');
  t.equal(one('Expat or GPL-2, and ISC')?.expression, '(MIT OR GPL-2.0-only) AND ISC');
  t.equal(one('Expat or GPL-2 and ISC')?.expression, 'MIT OR GPL-2.0-only AND ISC');
  t.equal(one('Expat, or GPL-2 and ISC')?.expression, 'MIT OR GPL-2.0-only AND ISC');
  t.equal(one('Expat, GPL-2, or ISC')?.expression, 'MIT OR GPL-2.0-only OR ISC');
  t.equal(one('Expat, GPL-2, and ISC')?.expression, 'MIT AND GPL-2.0-only AND ISC');
  t.same(one('Own-1.0'), {
    expression: 'LicenseRef-Debian-Own-1.0',
    extracted: [{ licenseId: 'LicenseRef-Debian-Own-1.0', extractedText: 'Text\n\nmore' }],
  });
  t.equal(declaredLicence(`${format}License: ISC\n\nLicense: Expat or ISC\n`)?.expression, 'ISC AND (MIT OR ISC)');
  t.equal(declaredLicence('This package was debianized by …\nLicense: GPL-2\n'), undefined);
  t.equal(declaredLicence(format), undefined);
});

t.test('a package whose parts have texts of their own under one name', async (t) => {
  const part = (files: string, text: string) => `Files: ${files}\nLicense: public-domain\n ${text}\n\n`;
  const copyright = `${FORMAT}${part('tz/*', 'This database is.')}${part('md5.c', 'No copyright.')}${part('a', 'This database is.')}`;
  t.same(declaredLicence(copyright), {
    expression: 'LicenseRef-Debian-public-domain',
    extracted: [
      { licenseId: 'LicenseRef-Debian-public-domain', extractedText: 'This database is.\n\n--\n\nNo copyright.' },
    ],
  });
});

/** A document of these packages, and of nothing else. */
function documentOf(packages: readonly PackageRecord[]) {
  const manifest = { version: 'v1', sha: 'abc', architecture: 'amd64', layer: 'none', runtime: 'x', packages };
  const facts: SbomFacts = {
    name: 'talos',
    arch: 'amd64',
    created: '2026-01-01T00:00:00Z',
    manifest: { ...manifest, npmPackages: [], entries: [], sizes: [] } as SbomFacts['manifest'],
    bootFiles: [],
    kernel: { release: '6.12', origin: { kind: 'given', name: 'linux' } },
    node: { name: 'node', version: '1', licence: 'MIT', components: {} },
    staticLibraries: [],
    stub: undefined,
  };
  return buildSbom(facts);
}

t.test('packages with texts of their own under one name keep them', async (t) => {
  const packageOf = (name: string, text: string): PackageRecord => ({
    name,
    version: '1',
    source: name,
    sourceVersion: '1',
    sha256: '0'.repeat(64),
    licence: declaredLicence(`${FORMAT}Files: *\nLicense: public-domain\n ${text}\n\nFiles: x\nLicense: ISC\n`),
  });
  const packages = [
    packageOf('libc6', 'The database.'),
    packageOf('libx++1', 'All of it.'),
    packageOf('z', 'The database.'),
  ];
  const document = documentOf(packages);
  t.same(spdxProblems(document), []);
  const texts = new Map(document.hasExtractedLicensingInfos?.map((each) => [each.licenseId, each.extractedText]));
  const own = { libc6: 'The database.', 'libx++1': 'All of it.', z: 'The database.' };
  for (const [name, text] of Object.entries(own)) {
    const declared = document.packages.find((each) => each.name === name)?.licenseDeclared ?? '';
    t.match(declared, /^ISC AND LicenseRef-Debian-public-domain\S*$/, name);
    t.equal(texts.get(declared.replace('ISC AND ', '')), text, name);
  }
  t.equal(texts.size, 2);
});
