import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hasShims, SHIM_CGROUP } from '../../../../lib/machined/containers/shims.js';

t.test('the kernel says whether there are shims', async (t) => {
  const root = t.testdir({});
  t.equal(await hasShims(root), false, 'a machine without the group');
  mkdirSync(join(root, SHIM_CGROUP), { recursive: true });
  const events = join(root, SHIM_CGROUP, 'cgroup.events');
  writeFileSync(events, 'populated 0\nfrozen 0\n');
  t.equal(await hasShims(root), false);
  writeFileSync(events, 'populated 1\nfrozen 0\n');
  t.equal(await hasShims(root), true);
});

t.test('what cannot be read is no answer', async (t) => {
  const root = t.testdir({ podruntime: { shim: { 'cgroup.events': {} } } });
  await t.rejects(hasShims(root), { code: 'EISDIR' });
});
