/** What a machine does to its PID 1, and the other way round: keys, button, memory, watchdog. */
import { once } from 'node:events';
import t from 'tap';
import { seconds, within } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(400));

const CTRL_ALT_DELETE = ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data }));

t.test('machine', async (t) => {
  // Its kernel has a keyboard on a PC, which the shipped one does without.
  const node = await TestNode.createOnTestKernel({ name: 'machine', kernelArguments: ['talos.watchdog=20'] });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await t.test('a service that takes too much memory ends as what it is', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['service', 'hog', 'start']);
    t.ok(
      await node.waitForConsole(/service hog: Ended: killed: out of memory/, { after: mark, timeoutMs: seconds(60) }),
    );
    const { stdout } = await home.succeed(['service', 'hog']);
    t.match(stdout, /Failed/);
    t.match(stdout, /killed: out of memory/);
  });

  // QEMU's virt has no keyboard.
  if (node.arch === 'amd64') {
    await t.test('Ctrl-Alt-Del restarts it in order', async (t) => {
      const mark = node.consoleMark;
      const qmp = await node.qmp();
      await qmp.execute('send-key', { keys: CTRL_ALT_DELETE });
      qmp.close();
      const asked = await node.waitForConsole(/exit: restart: signal SIGINT/, { after: mark, timeoutMs: seconds(30) });
      t.ok(asked);
      t.ok(await node.waitForConsole(/exit: stop services done/, { after: mark, timeoutMs: seconds(60) }));
      await node.waitForApi(await node.waitForBoot(mark));
    });
  }

  await t.test('a PID 1 that stands still is restarted by the watchdog', async (t) => {
    const started =
      /watchdog: Software Watchdog \(\/dev\/watchdog0\) resets the machine when PID 1 stands still for 20 s/;
    t.ok(await node.waitForConsole(started), 'it was armed');
    const mark = node.consoleMark;
    const trigger = home.stream('service', 'fault-block', 'start');
    t.teardown(() => trigger.stop());
    const options = { after: mark, timeoutMs: seconds(60) };
    t.ok(
      await node.waitForConsole(/watchdog: the event loop has not turned for 1\d{4} ms/, options),
      'the reason is told',
    );
    t.ok(await node.waitForConsole(/Kernel panic - not syncing: watchdog pretimeout event/, options));
    await node.waitForApi(await node.waitForBoot(mark));
    t.equal((await home.osctl(['version'])).code, 0, 'the API answers again');
  });

  await t.test('the power button powers it off in order', async (t) => {
    await node.waitForConsole(/power button: '(Power Button|gpio-keys)'/);
    const qmp = await node.qmp();
    t.teardown(() => qmp.close());
    const closed = once(qmp, 'close');
    const mark = node.consoleMark;
    await qmp.execute('system_powerdown');
    await within(seconds(90), 'QEMU to end', closed, () => node.consoleTail());
    // The console is read behind QEMU, and may be so still when that has ended.
    for (const step of [
      /exit: power-off: button '(Power Button|gpio-keys)'/,
      /exit: unmount done/,
      /reboot: Power down/,
    ]) {
      t.ok(await node.waitForConsole(step, { after: mark, timeoutMs: seconds(10) }), `${step}`);
    }
  });
});
