/** PID 1 as a parent: services that are killed, that cannot work, and processes that nobody waits for. */
import t from 'tap';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { serviceState } from '../helpers/services.js';

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
    t.comment(`emulated: ${report}`);
  });

  for (const id of ['machined', 'osd']) {
    await t.test(`${id} is killed and comes back`, async (t) => {
      const mark = node.consoleMark;
      const before = await serviceState(home, id);
      t.equal(before.state, 'Running');
      // osctl's own connection may be what is killed, so its exit code says nothing.
      await home.osctl(['service', `fault-kill-${id}`, 'start']);
      await node.waitForConsole(new RegExp(`service ${id}: Ended: killed by SIGKILL`), { after: mark });
      const started = await node.waitForConsole(new RegExp(`service ${id}: Started with process id (\\d+)`), {
        after: mark,
      });
      if (id === 'osd') await node.waitForApi(mark);
      const after = await serviceState(home, id);
      t.equal(after.state, 'Running');
      t.not(after.pid, before.pid, 'another process');
      t.match(started.text, new RegExp(`process id ${after.pid}$`), 'the one that PID 1 has told of');
    });
  }

  await t.test('a service that exits at once is tried again, each time later', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['service', 'crasher', 'start']);
    const lastWords = 'crasher: found none, giving up';
    for (const delay of ['0.25', '0.5', '1', '2']) {
      const again = `service crasher: Ended: exit code 1, last line: ${lastWords}; starting again in ${delay} s`;
      await node.waitForConsole(new RegExp(again.replaceAll('.', '\\.')), { after: mark });
    }
    const shown = await home.succeed(['service', 'crasher']);
    t.match(shown.stdout, lastWords, 'its last line is part of its state');
    const { stdout } = await home.succeed(['logs', 'crasher']);
    const runs = stdout.split('\n').filter((text) => text === lastWords).length;
    t.ok(runs >= 4, `${runs} runs are in its log`);
    await home.succeed(['service', 'crasher', 'stop']);
    t.equal((await serviceState(home, 'crasher')).state, 'Finished');
  });
});
