/** What other in-guest tests rely on: the kernel and the machine that the test guest offers. */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { networkInterfaces, release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import t from 'tap';

t.test('our kernel', async (t) => {
  t.match(release(), /^6\.12\.\d+-talos$/);
  const config = gunzipSync(await readFile('/proc/config.gz')).toString('utf8');
  for (const option of [
    'NET_SCH_NETEM',
    'VLAN_8021Q',
    'DUMMY',
    'VETH',
    'BRIDGE',
    'BLK_DEV_DM',
    'CGROUP_PIDS',
    'MEMCG',
  ]) {
    t.match(config, new RegExp(`^CONFIG_${option}=y$`, 'm'), option);
  }
  t.match(config, /^# CONFIG_MODULES is not set$/m, 'no modules');
});

t.test('cgroup2 with its controllers enabled for children', async (t) => {
  const root = '/sys/fs/cgroup';
  const controllers = (await readFile(`${root}/cgroup.subtree_control`, 'utf8')).trim().split(' ');
  for (const controller of ['cpu', 'memory', 'io', 'pids', 'cpuset']) {
    t.ok(controllers.includes(controller), controller);
  }
  const group = `${root}/kernel-test`;
  await mkdir(group);
  await writeFile(`${group}/pids.max`, '3');
  t.equal((await readFile(`${group}/pids.max`, 'utf8')).trim(), '3');
  await rmdir(group);
});

t.test('the machine', async (t) => {
  t.equal(process.getuid?.(), 0);
  t.equal(process.env.TEST_GUEST, '1');
  t.ok(networkInterfaces().lo, 'the loopback interface is up');
  const mounts = await readFile('/proc/mounts', 'utf8');
  t.match(
    mounts,
    new RegExp(`^\\S+ ${process.cwd()} 9p ro,`, 'm'),
    'the checkout is mounted read-only where it is on the host',
  );
  await t.rejects(writeFile('written-by-a-test', ''), { code: 'EROFS' });
});
