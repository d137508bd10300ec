/** The private apt, where the machine's own configuration is careless: it is read behind ours, and would win. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { PrivateApt } from '../../../lib/image/apt.js';

const INSECURE = ['APT::Get::AllowUnauthenticated', 'Acquire::AllowInsecureRepositories'];
const CARELESS = `APT::Get::AllowUnauthenticated "true";
Acquire::AllowInsecureRepositories "true";
Acquire::AllowWeakRepositories "true";
Dir::State::lists "/nowhere/lists";
APT::Architecture "i386";
`;

/** A mirror that has one package and no signature. */
function makeMirror(folder: string): void {
  const pool = path.join(folder, 'debian');
  const control = path.join(folder, 'package', 'DEBIAN', 'control');
  mkdirSync(path.dirname(control), { recursive: true });
  const fields = 'Package: libx\nVersion: 1.0\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\n';
  writeFileSync(control, `${fields}Description: for a test\n`);
  const lists = path.join(pool, 'dists', 'trixie', 'main', 'binary-amd64');
  mkdirSync(lists, { recursive: true });
  execFileSync('dpkg-deb', [
    '--root-owner-group',
    '--build',
    path.join(folder, 'package'),
    path.join(pool, 'libx.deb'),
  ]);
  const sumOf = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
  const deb = execFileSync('cat', [path.join(pool, 'libx.deb')]);
  const list = `${fields}Filename: libx.deb\nSize: ${deb.length}\nSHA256: ${sumOf(deb)}\nDescription: for a test\n`;
  writeFileSync(path.join(lists, 'Packages'), list);
  const sums = `SHA256:\n ${sumOf(list)} ${Buffer.byteLength(list)} main/binary-amd64/Packages\n`;
  const release = 'Suite: trixie\nCodename: trixie\nComponents: main\nArchitectures: amd64\n';
  writeFileSync(
    path.join(pool, 'dists', 'trixie', 'Release'),
    `${release}Date: Tue, 01 Dec 2026 00:00:00 UTC\n${sums}`,
  );
}

/** This machine gets its packages from that mirror, and is configured like that. */
function configureMachine(t: Test, folder: string, configuration: string): void {
  writeFileSync(path.join(folder, 'sources.list'), `deb file:${folder}/debian trixie main\n`);
  const own = path.join(folder, 'machine.conf');
  writeFileSync(own, `Dir::Etc::sourcelist "${folder}/sources.list";\nDir::Etc::sourceparts "/nowhere";\n`);
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  // Behind what APT_CONFIG names, as files of apt.conf.d are.
  const script = `cat "$APT_CONFIG" - > "$APT_CONFIG.all" <<'END'\n\n${configuration}END\n`;
  writeFileSync(
    path.join(bin, 'apt-get'),
    `#!/bin/sh\n${script}APT_CONFIG="$APT_CONFIG.all" exec /usr/bin/apt-get "$@"\n`,
  );
  chmodSync(path.join(bin, 'apt-get'), 0o755);
  const { PATH, APT_CONFIG } = process.env;
  Object.assign(process.env, { PATH: `${bin}:${PATH}`, APT_CONFIG: own });
  t.teardown(() => {
    process.env.PATH = PATH;
    if (APT_CONFIG === undefined) delete process.env.APT_CONFIG;
    else process.env.APT_CONFIG = APT_CONFIG;
  });
}

t.test('lists without a signature are refused, whatever the machine allows', async (t) => {
  const folder = t.testdir({ apt: {}, target: {} });
  makeMirror(folder);
  configureMachine(t, folder, CARELESS);
  const fetch = async () => {
    const apt = await PrivateApt.open(path.join(folder, 'apt'), ['trixie'], 'amd64');
    await apt.download(['libx'], path.join(folder, 'target'));
  };
  await t.rejects(fetch(), { code: 'ERR_TOOL', message: /not signed/ });
  t.same(readdirSync(path.join(folder, 'target')), []);
});

t.test('a version that the mirror has no longer is told as that, not as a mirror that is missing', async (t) => {
  const folder = t.testdir({ apt: {}, target: {} });
  makeMirror(folder);
  // The wrapper's lines win in a test of what comes behind verification.
  configureMachine(t, folder, '');
  const script = `#!/bin/sh\nexec /usr/bin/apt-get "$@" ${INSECURE.map((each) => `-o ${each}=true`).join(' ')}\n`;
  writeFileSync(path.join(folder, 'bin', 'apt-get'), script);
  const apt = await PrivateApt.open(path.join(folder, 'apt'), ['trixie'], 'amd64');
  const fetch = (wanted: string) => apt.download([wanted], path.join(folder, 'target'));
  await t.rejects(fetch('libx=0.9'), {
    code: 'ERR_NO_PACKAGE',
    message: "cannot fetch libx=0.9 from trixie: Version '0.9' for 'libx' was not found",
    hint: /has another version by now/,
  });
  await t.rejects(fetch('liby'), { message: /Unable to locate package liby/, hint: /configure a Debian mirror/ });
  t.equal((await fetch('libx=1.0'))[0]?.version, '1.0');
});
