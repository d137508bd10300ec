/** Restarting a node through its API. */
import type { Test } from 'tap';
import { seconds } from '../deadline.js';
import type { TestNode } from '../node.js';

/** `osctl reboot`: every step is done in its order, another kernel starts, and the API answers again. */
export async function rebootsInOrder(t: Test, node: TestNode): Promise<void> {
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
}
