/** The other architecture, on an emulated machine: one boot for what every node must be able to do. The whole suite is `npm run soak`. */
import t from 'tap';
import { followsLog, showsKernelLog } from '../helpers/checks/logs.js';
import { answers } from '../helpers/checks/operate.js';
import { rebootsInOrder } from '../helpers/checks/power.js';
import { reapsOrphans } from '../helpers/checks/reaping.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(540));

t.test('a node for arm64', async (t) => {
  const node = await TestNode.create({ name: 'arm64', arch: 'arm64', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  t.comment(`API ready in ${node.state.apiReadyMs} ms: ${JSON.stringify(node.state.phases)}`);

  await answers(t, node);

  await t.test('the code cache, which was made under emulation of another kind, fits', async (t) => {
    for (const service of ['machined', 'osd']) {
      const { stdout } = await home.succeed(['logs', service]);
      t.notMatch(stdout, /code cache/, service);
    }
    t.notOk(node.console.lines.some(({ text }) => /code cache/.test(text)));
  });

  // Containers start behind the API, and take all that such a machine has: what is measured from here on would wait for them.
  for (const started of [
    /service trustd: listening on port/,
    /service proxyd: listening on port/,
    /service blockd: Started/,
  ])
    t.ok(await node.waitForConsole(started, { timeoutMs: seconds(180) }));

  await home.succeed(['service', 'chatty', 'start']);
  await followsLog(t, node);
  await home.succeed(['service', 'chatty', 'stop']);
  await showsKernelLog(t, node);
  await reapsOrphans(t, node);
  await rebootsInOrder(t, node);
});
