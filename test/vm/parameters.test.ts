/** PID 1 on a kernel command line that lacks what is required and has what nobody knows: named on the console, then the countdown. */
import t from 'tap';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(120));

t.test('all problems of the command line in one sentence, a countdown, a restart', async (t) => {
  // The last word of a name counts, so one that was given before can be taken back.
  const node = await TestNode.createWaiting({
    name: 'parameters',
    kernelArguments: 'init_on_alloc=0 talos.wachdog=off',
  });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { text } = await node.waitForConsole(/exit: fatal error, restart:/);
  t.match(text, 'the kernel command line is not what a node needs: init_on_alloc=0 must be init_on_alloc=1 (');
  t.match(text, 'talos.wachdog is unknown');
  await node.waitForConsole(/exit: rebooting in 1 s/);
  await node.waitForBoot(node.console.lines.findIndex((line) => /Linux version/.test(line.text)) + 1);
  const texts = node.console.lines.map((line) => line.text);
  // What a service or PID 1 says in the kernel log stands on the console with the kernel's time before it.
  t.ok(
    texts.some((line) => /^\[ *\d+\.\d+\].*phase kernel-parameters failed/.test(line)),
    'in the kernel log, too',
  );
  for (const left of [10, 9, 2, 1]) {
    t.ok(
      texts.some((line) => line.includes(`exit: rebooting in ${left} s`)),
      `${left} s`,
    );
  }
  t.notOk(
    texts.some((line) => /phase services/.test(line)),
    'no service was started',
  );
});
