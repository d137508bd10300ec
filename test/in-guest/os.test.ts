/** lib/os where it may change the whole machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { readKernelCommandLine } from '../../lib/os/kernel-command-line.js';
import { mountPseudoFilesystems, PSEUDO_FILESYSTEMS } from '../../lib/os/pseudo-filesystems.js';
import { applySysctls, SYSCTLS } from '../../lib/os/sysctl.js';

const { mount, power } = loadNative();

/** Those that other programs in this guest could not live with. */
const LEFT_OUT = new Set(['/run', '/tmp', '/system']);

t.test('what is mounted already gets the options of the table', async (t) => {
  const table = PSEUDO_FILESYSTEMS.filter(({ target }) => !LEFT_OUT.has(target));
  const { mounted, remounted, failed } = mountPseudoFilesystems(mount, table);
  for (const target of ['/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/sys/fs/cgroup']) {
    t.ok(remounted.includes(target), target);
  }
  t.comment(`mounted ${mounted.join(' ')}; not there: ${failed.map(({ target }) => target).join(' ')}`);
  for (const { target, flags } of table.filter(({ isRequired }) => isRequired)) {
    const info = mount.mountInfo().findLast(({ mountPoint }) => mountPoint === target);
    for (const flag of flags) t.ok(info?.options.split(',').includes(flag), `${target} is ${flag}`);
  }
  const cgroup = mount.mountInfo().findLast(({ mountPoint }) => mountPoint === '/sys/fs/cgroup');
  t.match(cgroup?.superOptions, /nsdelegate/);
  t.match(cgroup?.superOptions, /memory_recursiveprot/);
});

t.test('our kernel takes every sysctl that it has', async (t) => {
  const path = (key: string) => `/proc/sys/${key.replaceAll('.', '/')}`;
  const before = SYSCTLS.flatMap(({ key }) => {
    try {
      return [[key, readFileSync(path(key), 'utf8')] as const];
    } catch {
      return [];
    }
  });
  const { applied, missing, failed } = applySysctls();
  t.same(failed, []);
  t.equal(applied + missing.length, SYSCTLS.length);
  t.comment(`missing: ${missing.join(' ')}`);
  for (const key of ['kernel.panic', 'kernel.panic_on_oops', 'kernel.dmesg_restrict', 'net.ipv4.ip_forward']) {
    t.notOk(missing.includes(key), `${key} is there`);
  }
  for (const { key, value } of SYSCTLS) {
    if (missing.includes(key)) continue;
    const now = readFileSync(path(key), 'utf8').trim();
    // A list of ports may come back as a range.
    if (now !== value && key !== 'net.ipv4.ip_local_reserved_ports') t.fail(`${key} is ${now} instead of ${value}`);
  }
  for (const [key, value] of before) {
    try {
      writeFileSync(path(key), value);
    } catch {
      t.comment(`${key} stays until the next boot`);
    }
  }
});

t.test('Ctrl-Alt-Del', async (t) => {
  const state = () => readFileSync('/proc/sys/kernel/ctrl-alt-del', 'utf8').trim();
  power.setCtrlAltDel(true);
  t.equal(state(), '1');
  power.setCtrlAltDel(false);
  t.equal(state(), '0');
});

t.test('the command line of this kernel', async (t) => {
  t.ok(readKernelCommandLine().getAll('console').length > 0);
});
