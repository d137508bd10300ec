/** Reboot and shutdown through the API: orderly, and back again. */

import { once } from 'node:events';
import t from 'tap';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

t.test('power', async (t) => {
  const node = await TestNode.create({ name: 'power', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await t.test('reboot: everything stops in order, and the API comes back', async (t) => {
    const mark = node.consoleMark;
    const following = home.stream('dmesg', '-f');
    t.teardown(() => following.stop());
    await following.until(seconds(20), 'the first record', (lines) => lines.length > 0);
    // Returns when the node answers again.
    await home.succeed(['reboot'], seconds(150));
    t.ok(
      node.console.lines.slice(mark).some(({ text }) => /Linux version/.test(text)),
      'another kernel has started',
    );
    const texts = node.console.lines.slice(mark).map(({ text }) => text);
    const steps = [
      /exit: restart:/,
      /exit: stop services done/,
      /exit: sync done/,
      /exit: unmount done/,
      /reboot: Restarting system/,
    ];
    const places = steps.map((step) => texts.findIndex((text) => step.test(text)));
    t.notOk(places.includes(-1), `every step is on the console: ${places}`);
    t.same(
      places,
      [...places].sort((a, b) => a - b),
      'in that order',
    );
    const exitCode = await following.ended(seconds(20), 'the follower of before the reboot');
    t.not(exitCode, null, 'it ended by itself');
  });

  await t.test('shutdown: the machine is off', async (t) => {
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    const closed = once(qmp, 'close');
    const mark = node.consoleMark;
    await home.succeed(['shutdown'], seconds(90));
    await within(seconds(60), 'QEMU to end', closed, () => node.consoleTail());
    t.ok(
      node.console.lines.slice(mark).some(({ text }) => /reboot: Power down/.test(text)),
      'the kernel powered it off',
    );
  });

  await t.test('a node that is gone: one line, exit code 3', async (t) => {
    const gone = await home.osctl(['version']);
    t.equal(gone.code, 3);
    t.equal(gone.stdout, '');
    t.equal(gone.stderr.trim().split('\n').length, 1, gone.stderr);
    t.notMatch(gone.stderr, /\n\s+at /, 'no stack trace');
  });
});
