/** Debian packages of an image where the mirror does not give them. */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { fetchPackages } from '../../../lib/image/packages.js';

/** An apt-get that fails with these words, and a cache of its own. */
function withFailingApt(t: Test, words: string): string {
  const folder = t.testdir({ bin: {}, cache: {} });
  const apt = path.join(folder, 'bin', 'apt-get');
  writeFileSync(apt, `#!/bin/sh\necho Reading...\necho "${words}" >&2\nexit 100\n`);
  chmodSync(apt, 0o755);
  const { PATH, XDG_CACHE_HOME } = process.env;
  Object.assign(process.env, { PATH: `${folder}/bin:${PATH}`, XDG_CACHE_HOME: path.join(folder, 'cache') });
  t.teardown(() => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  });
  return path.join(folder, 'cache', 'talos', 'packages-amd64');
}

/** A set that was fetched then, and used just now. */
function keep(kindFolder: string, hash: string, version: string, fetched: Date): void {
  const folder = path.join(kindFolder, hash.repeat(24));
  mkdirSync(folder, { recursive: true });
  const record = { name: 'libx', version, source: 'x', sourceVersion: version, sha256: '' };
  const file = path.join(folder, 'packages.json');
  writeFileSync(file, JSON.stringify([record]));
  utimesSync(file, fetched, fetched);
}

t.test('of older sets the one that was fetched last is used, and it is told why', async (t) => {
  const kindFolder = withFailingApt(t, 'E: The repository is not signed.');
  for (const [index, hash] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    const day = hash === 'c' ? 20 : index + 1;
    keep(kindFolder, hash, `1.${day}`, new Date(Date.UTC(2026, 0, day)));
  }
  const said: string[] = [];
  const { records } = await fetchPackages(['libx'], 'amd64', (text) => said.push(text));
  t.equal(records[0]?.version, '1.20');
  t.equal(said.at(-1), 'packages cannot be fetched, so those of 2026-01-20 are used: E: The repository is not signed.');
});

t.test('without any it is a failure, with what apt said', async (t) => {
  withFailingApt(t, 'E: The repository is not signed.');
  await t.rejects(
    fetchPackages(['libx'], 'amd64', () => {}),
    { message: /The repository is not signed/ },
  );
});
