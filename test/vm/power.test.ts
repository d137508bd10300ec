/** Reboot and shutdown through the API: orderly, and back again. */

import { once } from 'node:events';
import t from 'tap';
import { rebootsInOrder } from '../helpers/checks/power.js';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

t.test('power', async (t) => {
  const node = await TestNode.create({ name: 'power', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await rebootsInOrder(t, node);

  await t.test('shutdown: the machine is off', async (t) => {
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    const closed = once(qmp, 'close');
    const mark = node.consoleMark;
    await home.succeed(['shutdown'], seconds(90));
    await within(seconds(60), 'QEMU to end', closed, () => node.consoleTail());
    // The console is read behind QEMU, and may be so still when that has ended.
    const options = { after: mark, timeoutMs: seconds(10) };
    t.ok(await node.waitForConsole(/reboot: Power down/, options), 'the kernel powered it off');
  });

  await t.test('a node that is gone: one sentence and what to do, exit code 3', async (t) => {
    const gone = await home.osctl(['version']);
    t.equal(gone.code, 3);
    t.equal(gone.stdout, '');
    t.match(gone.stderr, /^osctl: [^\n]+\n {2}hint: [^\n]+\n$/);
  });
});
