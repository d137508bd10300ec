/** PID 1 and processes that nobody else waits for. */
import type { Test } from 'tap';
import { seconds } from '../deadline.js';
import type { TestNode } from '../node.js';

/** A storm of orphans leaves no zombie. */
export async function reapsOrphans(t: Test, { home }: TestNode): Promise<void> {
  await t.test('1,000 orphans exit at the same moment and none stays a zombie', async (t) => {
    const log = home.stream('logs', '-f', 'orphan-maker');
    t.teardown(() => log.stop());
    await home.succeed(['service', 'orphan-maker', 'start']);
    const lines = await log.until(seconds(60), 'the report', (all) =>
      all.some(({ text }) => text.startsWith('orphans')),
    );
    const report = lines.find(({ text }) => text.startsWith('orphans'))?.text ?? '';
    t.match(report, /^orphans 1000 zombies 0 reaped-after-ms \d+$/);
    t.comment(`emulated: ${report}`);
  });
}
