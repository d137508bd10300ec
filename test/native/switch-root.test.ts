// A file of its own: the process has another root at its end.
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';

const { mount } = loadNative();
/** A folder that every machine has; what is mounted there is seen by this process only. */
const PLACE = '/mnt';

if (inNamespaces(import.meta.url, ['--mount', '--propagation', 'private'])) {
  const tmpfs = { source: 'x', fstype: 'tmpfs', flags: [] };
  // process.cwd() remembers what it was.
  const workingFolder = () => readlinkSync('/proc/self/cwd');
  const isMounted = (target: string) => mount.mountInfo().some(({ mountPoint }) => mountPoint === target);

  t.test('what is no mount point is no root', async (t) => {
    mount.mountSync({ ...tmpfs, target: PLACE });
    mkdirSync(`${PLACE}/folder`);
    await t.rejects(mount.switchRoot(`${PLACE}/folder`, []), {
      code: 'EINVAL',
      syscall: 'pivot_root',
      path: `${PLACE}/folder`,
    });
    await t.rejects(mount.pivotRoot(`${PLACE}/missing`, '/'), { code: 'ENOENT', syscall: 'pivot_root' });
  });

  t.test('a switch that fails leaves everything as it was', async (t) => {
    for (const each of ['proc', 'old', 'next']) mkdirSync(`${PLACE}/${each}`);
    const before = workingFolder();
    await t.rejects(mount.switchRoot(PLACE, ['/proc', '/missing']), {
      code: 'ENOENT',
      syscall: 'mount',
      path: '/missing',
    });
    t.equal(workingFolder(), before);
    t.ok(isMounted('/proc') && !isMounted(`${PLACE}/proc`), 'what was moved is moved back');
  });

  t.test('pivot_root puts the old root where it was told', async (t) => {
    await mount.pivotRoot(PLACE, `${PLACE}/old`);
    t.same(readdirSync('/').sort(), ['folder', 'next', 'old', 'proc']);
    t.ok(readdirSync('/old').includes('usr'));
    mount.mountSync({ source: 'proc', fstype: 'proc', flags: [], target: '/proc' });
  });

  t.test('the root is switched, the old one is gone, and what is kept came along', async (t) => {
    mount.mountSync({ ...tmpfs, target: '/next' });
    mkdirSync('/next/proc');
    writeFileSync('/next/marker', '');
    await mount.switchRoot('/next', ['/proc']);
    t.same(readdirSync('/').sort(), ['marker', 'proc']);
    t.equal(workingFolder(), '/');
    t.same(
      mount
        .mountInfo()
        .map(({ mountPoint }) => mountPoint)
        .sort(),
      ['/', '/proc'],
    );
  });
}
