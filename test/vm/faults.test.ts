/**
 * PID 1 fails in every way it can, on purpose (test/layer/fault_addon.cc): the reason is on the console, and the node comes back by itself.
 */
import t from 'tap';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(560));

/** What has to be seen on the console before the kernel starts anew. */
const faults = [
  { service: 'fault-throw', reasons: [/injected fault: nobody catches this/, /exit: rebooting in 1 s/] },
  { service: 'fault-reject', reasons: [/injected fault: nobody handles this/, /exit: rebooting in 1 s/] },
  // No JavaScript runs any more in these two: the kernel loses its init, panics, and panic=10 reboots.
  { service: 'fault-heap', reasons: [/heap out of memory/, /Kernel panic - not syncing: Attempted to kill init/] },
  { service: 'fault-abort', reasons: [/Kernel panic - not syncing: Attempted to kill init/] },
];

t.test('a node whose PID 1 fails says why and comes back', async (t) => {
  const node = await TestNode.create({ name: 'faults', layer: 'test', memoryMiB: 1024 });
  t.teardown(() => node[Symbol.asyncDispose]());
  for (const { service, reasons } of faults) {
    await t.test(service, async (t) => {
      const mark = node.consoleMark;
      // The node may be gone before it has answered, and a dead machine resets no connection: the console is what counts.
      const trigger = node.home.stream('service', service, 'start');
      t.teardown(() => trigger.stop());
      for (const reason of reasons) {
        const line = await node.waitForConsole(reason, { after: mark, timeoutMs: seconds(60) });
        t.ok(line, `on the console: ${line.text.trim()}`);
      }
      await node.waitForApi(await node.waitForBoot(mark));
      const answer = await node.home.osctl(['version']);
      t.equal(answer.code, 0, `the API answers again: ${answer.stderr}`);
    });
  }
});
