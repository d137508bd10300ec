/** A slip on the command line of a repository's command is told at once, with exit code 2, and never taken for something else. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseReleaseArguments } from '../../../lib/image/release-main.js';
import { checkout } from '../../helpers/checkout.js';

const { imageArguments } = await import(`${checkout}/tools/lib/image-options.mjs`);

/** A command in a checkout where nothing is built; what builds would leave a log. */
const folder = t.testdir();
for (const part of ['tools', 'benchmarks', 'native/fuzz', 'native/sources.json']) {
  cpSync(join(checkout, part), join(folder, part), { recursive: true });
}
function run(name: string, ...words: string[]) {
  const env = { ...process.env, TALOS_HOME: join(folder, 'home'), XDG_CACHE_HOME: join(folder, 'cache') };
  const argv = [join(folder, 'tools', `${name}.mjs`), ...words];
  return spawnSync(process.execPath, argv, { cwd: folder, env, encoding: 'utf8', timeout: 20_000 });
}

t.test('what makes no sense', async (t) => {
  const cases: [name: string, words: string[], says: RegExp][] = [
    ['image', ['--format', 'iso'], /--format iso: there is raw, uki, initramfs/],
    ['image', ['--formt', 'raw'], /--formt/],
    ['image', ['arm64'], /arm64/],
    ['image', ['--arch', 'mips'], /--arch mips: there are amd64, arm64/],
    ['build', ['--no-image'], /--no-image/],
    ['stop', ['other'], /other/],
    ['soak', ['--minutes', 'ten'], /--minutes ten is not a number of minutes/],
    ['bench', ['nothing'], /no benchmark nothing/],
    ['profile', ['nothing'], /no profile "nothing"/],
    ['start', ['--arch', 'mips'], /--arch mips/],
  ];
  for (const [name, words, says] of cases) {
    const { status, stdout, stderr } = run(name, ...words);
    const what = `${name} ${words.join(' ')}`;
    t.equal(status, 2, what);
    t.match(stderr, says, what);
    t.equal(stdout, '', what);
    t.notMatch(stderr, /Debian packages/, `${what}: nothing was begun`);
  }
});

t.test('help builds nothing', async (t) => {
  mkdirSync(join(folder, 'home'), { recursive: true });
  for (const name of ['image', 'bench']) {
    const { status, stdout, stderr } = run(name, '--help');
    t.equal(status, 0, name);
    t.match(stdout, /^usage: npm run/, name);
    t.equal(stderr, '', name);
  }
});

t.test('the image builder refuses what its command refuses, and takes what it takes', async (t) => {
  const taken = [
    [],
    ['--arch', 'arm64', '--format', 'uki', '--profile', 'metal'],
    ['--format', 'initramfs', '--source', 'x', '--output', 'y', '--runtime', 'z'],
    ['--kubernetes', 'v1', '--kubernetes-source', 'official'],
    ['--kubernetes', 'v1', '--kubernetes-directory', 'd'],
    ['--help'],
  ];
  for (const words of taken) {
    t.doesNotThrow(() => parseReleaseArguments(words), words.join(' '));
    t.doesNotThrow(() => imageArguments(words), words.join(' '));
  }
  const refused = [
    ...[['--arch', 'mips'], ['--format', 'iso'], ['--profile', 'test'], ['--output', ''], ['--source', ''], ['--what']],
    ...[['x'], ['--kubernetes-source', 'official'], ['--kubernetes-directory', 'd'], ['--format']],
  ];
  for (const words of refused) {
    t.throws(() => parseReleaseArguments(words), words.join(' '));
    t.throws(() => imageArguments(words), words.join(' '));
  }
});
