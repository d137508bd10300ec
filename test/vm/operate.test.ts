/** What an administrator types first, against a booted node. */
import t from 'tap';
import { answers } from '../helpers/checks/operate.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { readOneLine } from '../helpers/osctl.js';

t.setTimeout(seconds(180));

t.test('a booted node', async (t) => {
  const node = await TestNode.create({ name: 'operate', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  await answers(t, node);

  await t.test('no such service: NOT_FOUND, naming those that there are', async (t) => {
    for (const words of [
      ['logs', 'nothing'],
      ['service', 'nothing', 'start'],
    ]) {
      const answer = await home.osctl(words);
      t.equal(answer.code, 1, answer.stderr);
      t.match(answer.stderr, /NOT_FOUND|not found|no service/i);
      t.match(answer.stderr, /machined/);
      t.match(answer.stderr, /osd/);
    }
  });

  await t.test('an unknown command or flag, a missing argument: where the help is, exit code 2', async (t) => {
    for (const words of [['nonsense'], ['version', '--nonsense'], ['logs']]) {
      const answer = await home.osctl(words);
      t.equal(answer.code, 2, words.join(' '));
      t.equal(answer.stdout, '');
      t.match(answer.stderr, /^osctl: .+\n {2}hint: see `osctl .*--help`\n$/);
    }
  });

  await t.test('a reader that goes away is no error', async (t) => {
    const { code, stderr } = await readOneLine(['dmesg'], home.environment);
    t.ok(code === 0 || code === null, `exit code ${code}`);
    t.equal(stderr, '');
  });
});
