/**
 * What takes minutes to build, built a second time in another folder and without a cache: the addon, the programs of the Kubernetes that is
 * built from source, and the kernel of every profile named (`node out/js/test/soak/reproducible.js [--arch A] [PROFILE…]`, default: the
 * default profile). Each must be the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { hashFile } from '../../lib/base/build-cache.js';
import { ARCHITECTURES, toolPrefix } from '../../lib/image/architecture.js';
import { buildKernel, KERNEL_PROFILES } from '../../lib/image/kernel.js';
import { readDebianPins } from '../../lib/image/kubernetes/debian-pins.js';
import { buildPrograms, PROGRAMS } from '../../lib/image/kubernetes/go-build.js';
import { readReleases } from '../../lib/image/kubernetes/plan.js';
import { checkout } from '../helpers/checkout.js';
import { secondCheckout, withSecondCache } from '../helpers/second-checkout.js';

const { values, positionals } = parseArgs({
  options: { arch: { type: 'string', default: 'amd64' } },
  allowPositionals: true,
});
const arch = values.arch === 'arm64' ? 'arm64' : 'amd64';
const profiles = KERNEL_PROFILES.filter((each) =>
  positionals.length === 0 ? each === 'default' : positionals.includes(each),
);
const folder = mkdtempSync(path.join(tmpdir(), 'talos-twice-'));
let failures = 0;

function compare(what: string, first: string, second: string): void {
  const isSame = first === second;
  if (!isSame) failures += 1;
  console.log(isSame ? `ok ${what}: ${first}` : `FAILED ${what}: ${first} and ${second}`);
}

const onProgress = () => {};
try {
  const root = secondCheckout(folder, { isBuiltAnew: true });
  const strip = `${toolPrefix(process.arch === ARCHITECTURES.arm64.nodeName ? 'arm64' : 'amd64')}strip`;
  const stripped = async (from: string) => {
    const addon = path.join(folder, 'addon.node');
    execFileSync(strip, ['--strip-unneeded', '-o', addon, path.join(from, 'out/cmake/Release/talos.node')]);
    return hashFile(addon);
  };
  const argv = ['compile', '--out', 'out/cmake', '--parallel', '2'];
  const env = { ...process.env, CCACHE_DISABLE: '1' };
  execFileSync(path.join(root, 'node_modules/.bin/cmake-js'), argv, { cwd: root, env, stdio: 'ignore' });
  compare('addon', await stripped(checkout), await stripped(root));
  for (const profile of profiles) {
    const first = await buildKernel(checkout, arch, profile, onProgress);
    const build = () => buildKernel(root, arch, profile, onProgress);
    process.env.CCACHE_DISABLE = '1';
    const second = await withSecondCache(folder, build, { without: ['kernel'] });
    compare(`kernel ${arch} ${profile}`, await hashFile(first.image), await hashFile(second.image));
  }
  for (const { version, sources } of await readReleases(checkout)) {
    if (!sources.includes('debian-source')) continue;
    const pins = await readDebianPins(checkout, version);
    const build = () => buildPrograms(pins, version, arch, onProgress);
    const first = await build();
    const second = await withSecondCache(folder, build, { without: ['kubernetes-programs'] });
    for (const name of PROGRAMS) {
      const [one, two] = [path.join(first, name), path.join(second, name)];
      compare(`${name} ${version} ${arch}`, await hashFile(one), await hashFile(two));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? 'built twice: passed' : `built twice: ${failures} FAILED`);
process.exitCode = failures === 0 ? 0 : 1;
