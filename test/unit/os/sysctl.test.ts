import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { applySysctls, SYSCTLS } from '../../../lib/os/sysctl.js';

t.test('the table', async (t) => {
  const keys = SYSCTLS.map(({ key }) => key);
  t.equal(new Set(keys).size, keys.length, 'each key once');
  t.equal(keys[0], 'net.ipv4.ip_forward', 'it resets those that follow');
  for (const { key, value, reason } of SYSCTLS) {
    t.match(key, /^[a-z0-9_.-]+$/);
    t.ok(value !== '' && reason.length > 10, `${key} has a value and a reason`);
  }
  t.match(
    SYSCTLS.find(({ key }) => key === 'kernel.panic'),
    { value: '10' },
  );
});

t.test('applies what is there and reports the rest', async (t) => {
  const root = t.testdir({ kernel: { panic: '0\n' }, net: {} });
  mkdirSync(join(root, 'vm/overcommit_memory'), { recursive: true });
  const reason = 'a test of it';
  const report = applySysctls(
    [
      { key: 'kernel.panic', value: '10', reason },
      { key: 'net.ipv4.missing', value: '1', reason },
      { key: 'vm.overcommit_memory', value: '1', reason },
    ],
    root,
  );
  t.equal(readFileSync(join(root, 'kernel/panic'), 'utf8'), '10\n');
  t.equal(report.applied, 1);
  t.same(report.missing, ['net.ipv4.missing']);
  t.match(report.failed, [{ key: 'vm.overcommit_memory', message: /EISDIR/ }]);
});

t.test('a key with a hyphen keeps it', async (t) => {
  const root = t.testdir({});
  const file = join(root, 'fs/aio-max-nr');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '0\n');
  t.equal(applySysctls([{ key: 'fs.aio-max-nr', value: '1048576', reason: 'a test of it' }], root).applied, 1);
});
