/** PID 1 as a parent: services that are killed, that cannot work, and processes that nobody waits for. */
import t from 'tap';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { serviceState, waitForService } from '../helpers/services.js';

t.setTimeout(seconds(240));

t.test('supervision on a booted node', async (t) => {
  const node = await TestNode.create({ name: 'supervise', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await t.test('1,000 orphans exit at the same moment and none stays a zombie', async (t) => {
    const log = home.stream('logs', '-f', 'orphan-maker');
    t.teardown(() => log.stop());
    await home.succeed(['service', 'orphan-maker', 'start']);
    const lines = await log.until(seconds(60), 'the report', (all) =>
      all.some(({ text }) => text.startsWith('orphans')),
    );
    const report = lines.find(({ text }) => text.startsWith('orphans'))?.text ?? '';
    t.match(report, /^orphans 1000 zombies 0 reaped-after-ms \d+$/);
    const reapedAfterMs = Number(report.split(' ').at(-1));
    t.ok(reapedAfterMs <= 2000, `all were reaped ${reapedAfterMs} ms after the gate had opened`);
  });

  for (const id of ['machined', 'osd']) {
    await t.test(`${id} is killed and comes back`, async (t) => {
      const mark = node.consoleMark;
      const before = await serviceState(home, id);
      t.equal(before.state, 'Running');
      await home.osctl(['service', `fault-kill-${id}`, 'start']);
      if (id === 'osd') await node.waitForApi(mark);
      const after = await waitForService(
        home,
        id,
        'restarted',
        ({ state, pid }) => state === 'Running' && pid !== before.pid,
      );
      t.not(after.pid, before.pid, 'another process');
      t.equal(after.state, 'Running');
    });
  }

  await t.test('a service that exits at once is tried again, each time later', async (t) => {
    await home.succeed(['service', 'crasher', 'start']);
    const log = home.stream('logs', '-f', 'crasher');
    t.teardown(() => log.stop());
    const lastWords = 'crasher: found none, giving up';
    const isLast = ({ text }: { text: string }) => text === lastWords;
    const lines = await log.until(seconds(60), 'four runs', (all) => all.filter(isLast).length >= 4);
    const times = lines.filter(isLast).map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
    const [second, third] = [gaps.at(-2) ?? 0, gaps.at(-1) ?? 0];
    t.ok(third > second, `the last delays grow: ${gaps.map((gap) => gap.toFixed(0)).join(', ')} ms`);
    const shown = await home.succeed(['service', 'crasher']);
    t.match(shown.stdout, lastWords, 'its last line is part of its state');
    await home.succeed(['service', 'crasher', 'stop']);
  });
});
