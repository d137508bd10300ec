// Two builds from the same inputs are the same bytes: everything that is built in seconds is built again, in another folder and with an
// empty cache. The whole addon and the kernel take minutes: npm run soak (test/soak/reproducible.ts).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hashFile } from '../../../lib/base/build-cache.js';
import { buildRelease } from '../../../lib/image/release.js';
import { sourceIdentity } from '../../../lib/image/sources.js';
import { checkout } from '../../helpers/checkout.js';
import { secondCheckout, withSecondCache } from '../../helpers/second-checkout.js';
import { unpackSquashfs } from '../../helpers/squashfs.js';

const onProgress = () => {};
const folder = t.testdir();
const request = { arch: 'amd64', profile: 'default', format: 'raw', onProgress } as const;
const identity = await sourceIdentity(checkout);
const first = await buildRelease(request);
const root = secondCheckout(folder);
const second = await withSecondCache(folder, () => buildRelease({ ...request, root, identity }));

t.test('root image, stage0, initramfs and what is inside', async (t) => {
  const sums = (file: string) => JSON.parse(readFileSync(file, 'utf8')).entries;
  // Named one by one first: it tells which file differs.
  t.same(sums(second.artifacts.manifest), sums(first.artifacts.manifest));
  for (const part of ['rootImage', 'rootDisk', 'stage0', 'initramfs', 'manifest'] as const) {
    t.not(second.artifacts[part], first.artifacts[part], `${part} was built twice`);
    t.equal(await hashFile(second.artifacts[part]), await hashFile(first.artifacts[part]), part);
  }
});

t.test('the disk, with the unified kernel image in it', async (t) => {
  const [one, two] = [first.files[0], second.files[0]];
  t.not(two?.from, one?.from);
  t.equal(await hashFile(two?.from ?? ''), await hashFile(one?.from ?? ''));
});

t.test('the bill of materials', async (t) => {
  t.equal(JSON.stringify(second.sbom), JSON.stringify(first.sbom));
});

t.test('nothing in the image knows where it was built', async (t) => {
  const image = readFileSync(first.artifacts.rootImage, 'latin1');
  t.notOk(image.includes(checkout));
  const tree = path.join(folder, 'tree');
  unpackSquashfs(first.artifacts.rootImage, tree);
  const found = execFileSync('sh', ['-c', 'grep -rlF -e "$1" . || true', 'sh', checkout], {
    cwd: tree,
    encoding: 'utf8',
  });
  t.equal(found, '');
});

t.test('objects of the addon, compiled in another folder', async (t) => {
  const commands = JSON.parse(readFileSync(path.join(checkout, 'out/cmake/compile_commands.json'), 'utf8')) as {
    directory: string;
    command: string;
    file: string;
  }[];
  const units = path.join(folder, 'units');
  execFileSync(process.execPath, [path.join(root, 'native/unity.mjs'), units, 'core', 'bind']);
  // Cores with templates, wrappers of system calls, and what includes Node-API.
  for (const unit of ['block_1.cc', 'sys_1.cc', 'bind_1.cc']) {
    const found = commands.find((each) => path.basename(each.file) === unit);
    if (found === undefined) {
      t.fail(`${unit} is not compiled`);
      continue;
    }
    const object = / -o (\S+) /.exec(found.command)?.[1] ?? '';
    const again = path.join(folder, `${unit}.o`);
    const words = found.command
      .replaceAll(found.file, path.join(units, unit))
      .replaceAll(`${checkout}/native`, `${root}/native`)
      .replace(` -o ${object} `, ` -o ${again} `)
      .split(' ');
    const env = { ...process.env, CCACHE_DISABLE: '1' };
    execFileSync(words[0] ?? '', words.slice(1), { cwd: folder, env });
    t.equal(await hashFile(again), await hashFile(path.join(found.directory, object)), unit);
  }
});
