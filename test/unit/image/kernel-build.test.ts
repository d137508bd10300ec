/** How the kernel's own build is called, by a source tree that tells. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hostArchitecture } from '../../../lib/image/architecture.js';
import { buildKernel } from '../../../lib/image/kernel.js';
import { givenSource } from '../../../lib/image/kernel-source.js';

const OWN = ['LOCALVERSION', 'KCFLAGS', 'KCPPFLAGS', 'KAFLAGS', 'LLVM', 'KCONFIG_CONFIG', 'CROSS_COMPILE'];

/** Its image says what the environment was when it was made. */
const MAKEFILE = `allnoconfig:
\tmkdir -p $(O)
\tcp $$KCONFIG_ALLCONFIG $(O)/.config
bzImage Image:
\tmkdir -p $(O)/arch/x86/boot $(O)/arch/arm64/boot
\ttouch $(O)/System.map
\tenv | tee $(O)/arch/x86/boot/bzImage > $(O)/arch/arm64/boot/Image
`;

t.test('nothing of the environment goes into a kernel that its key does not have', async (t) => {
  const options = 'CONFIG_A=y # for a test\n';
  const folder = t.testdir({
    kernel: { 'base.config': options, 'x86_64.config': '', 'arm64.config': '' },
    tree: { Makefile: MAKEFILE, Kconfig: 'config A\n', scripts: {} },
  });
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
  });
  Object.assign(process.env, { XDG_CACHE_HOME: path.join(folder, 'cache') });
  for (const name of OWN) process.env[name] = `own-${name}`;
  const source = await givenSource(path.join(folder, 'tree'));
  const { image } = await buildKernel(folder, hostArchitecture(), 'default', () => {}, source);
  const lines = readFileSync(image, 'utf8').split('\n');
  const seen = Object.fromEntries(
    OWN.map((name) => [name, lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1)]),
  );
  t.same(seen, { ...Object.fromEntries(OWN.map((name) => [name, ''])), KCONFIG_CONFIG: '.config' });
});
