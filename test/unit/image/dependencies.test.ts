import t from 'tap';
import { minimumVersions, tooOldFor } from '../../../lib/image/dependencies.js';

t.test('minimum versions of a Depends field', async (t) => {
  t.strictSame(minimumVersions('libc6 (>= 2.38), libseccomp2 (>= 2.5.0)'), [
    { name: 'libc6', version: '2.38' },
    { name: 'libseccomp2', version: '2.5.0' },
  ]);
  t.strictSame(minimumVersions('runc (>= 0.1.0~), libstdc++6:any (>= 13)'), [
    { name: 'runc', version: '0.1.0~' },
    { name: 'libstdc++6', version: '13' },
  ]);
  t.strictSame(minimumVersions('iptables, a | b (>= 2), c (= 1)'), []);
  t.strictSame(minimumVersions(''), []);
});

t.test('a library that is too old for a package of another suite', async (t) => {
  const libc6 = { name: 'libc6', version: '2.41-12+deb13u5' };
  const runc = (depends?: string) => [{ name: 'runc', version: '1.3.6', depends }];
  t.strictSame(
    await tooOldFor(runc('libc6 (>= 2.38), libseccomp2 (>= 2.5.0)'), [libc6]),
    [],
    'elf.ts sees what is not there',
  );
  t.strictSame(await tooOldFor(runc('libc6 (>= 2.41-12)'), [libc6]), []);
  t.strictSame(await tooOldFor(runc('libc6 (>= 2.43)'), [libc6]), [
    'runc 1.3.6 needs libc6 2.43, and the image has 2.41-12+deb13u5',
  ]);
  t.strictSame(await tooOldFor(runc(), [libc6]), []);
});
