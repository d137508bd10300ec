/** Service logs and the kernel's, read while they are written: complete, in order, soon. */
import t from 'tap';
import { osctlPath } from '../helpers/checkout.js';
import { areConsecutive, followsLog, isAscending, numbersOf, showsKernelLog } from '../helpers/checks/logs.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import { onTerminal } from '../helpers/terminal.js';

t.setTimeout(seconds(240));

t.test('logs of a booted node', async (t) => {
  const node = await TestNode.create({ name: 'logs', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  await home.succeed(['service', 'chatty', 'start']);

  await followsLog(t, node);

  await t.test('two readers at once see the same', async (t) => {
    const streams = [home.stream('logs', '-f', 'chatty'), home.stream('logs', '-f', '--tail', '0', 'chatty')] as const;
    t.teardown(() => Promise.all(streams.map((stream) => stream.stop())));
    for (const stream of streams) {
      const lines = await stream.until(seconds(30), '50 lines', (all) => all.length >= 50);
      t.ok(areConsecutive(numbersOf(lines)));
    }
  });

  await t.test('stopped: the log stays and does not grow', async (t) => {
    await home.succeed(['service', 'chatty', 'stop']);
    const whole = (await home.succeed(['logs', 'chatty'])).stdout.trimEnd().split('\n');
    const count = whole.length;
    t.ok(areConsecutive(numbersOf(whole.map((text) => ({ text })))));
    for (const tail of [0, 1, 10]) {
      const { stdout } = await home.succeed(['logs', '--tail', String(tail), 'chatty']);
      const lines = stdout === '' ? [] : stdout.trimEnd().split('\n');
      t.same(lines, whole.slice(count - tail), `--tail ${tail}`);
    }
    const more = (await home.succeed(['logs', '--tail', String(count + 1000), 'chatty'])).stdout.trimEnd().split('\n');
    t.equal(more.length, count, 'more than there are: all');
  });

  await t.test('a reader that is too slow is told exactly what it missed', async (t) => {
    // A first run, so that there is a line by which the slow reader shows that it has its place before the second one begins.
    const first = home.stream('logs', '-f', 'chatty-burst');
    await home.succeed(['service', 'chatty-burst', 'start']);
    await first.until(seconds(60), 'the first line', (lines) => lines.length > 0);
    await home.succeed(['service', 'chatty-burst', 'stop']);
    await first.stop();
    const slow = home.stream('logs', '-f', '--tail', '1', 'chatty-burst');
    const quick = home.stream('logs', '-f', '--tail', '1', 'chatty-burst');
    t.teardown(() => Promise.all([slow.stop(), quick.stop()]));
    for (const stream of [slow, quick]) {
      await stream.until(seconds(60), 'the last line of the first run', (lines) => lines.length > 0);
    }
    slow.pause();
    const before = slow.lines.length;
    await home.succeed(['service', 'chatty-burst', 'start']);
    const isLastOfBurst = ({ text }: { text: string }) => text.startsWith('chatty 200000 ');
    await quick.until(seconds(60), 'the end of the burst', (lines) => lines.slice(1).some(isLastOfBurst));
    slow.resume();
    await slow.until(seconds(60), 'the end of the burst', (lines) => lines.slice(before).some(isLastOfBurst));
    await home.succeed(['service', 'chatty-burst', 'stop']);
    const numbers = numbersOf(slow.lines.slice(before));
    t.ok(isAscending(numbers), 'in order, each once');
    const missing = (numbers.at(-1) ?? 0) - numbers.length;
    const told = [...slow.stderr.matchAll(/missed (\d+) records/g)].reduce((sum, match) => sum + Number(match[1]), 0);
    t.ok(missing > 0, `${missing} lines did not fit its log while it stood still`);
    t.equal(told, missing, 'which is what it was told');

    const { stdout } = await home.succeed(['logs', 'chatty-burst']);
    const left = numbersOf(
      stdout
        .trimEnd()
        .split('\n')
        .map((text) => ({ text })),
    );
    t.ok(areConsecutive(left), 'what is left in the log has no gap');
    t.ok((left[0] ?? 0) > 1 && (left.at(-1) ?? 0) >= 200_000, `and is its end: ${left[0]} to ${left.at(-1)}`);
  });

  await t.test('terminal escapes in a log: made visible on a terminal, as they are in a pipe', async (t) => {
    await home.succeed(['service', 'chatty-escapes', 'start']);
    const stream = home.stream('logs', '-f', 'chatty-escapes');
    t.teardown(() => stream.stop());
    await stream.until(seconds(30), 'the line', (lines) => lines.length > 0);
    await home.succeed(['service', 'chatty-escapes', 'stop']);
    const words = ['logs', 'chatty-escapes'];
    const line = '\u001b[2J\u001b[31mred\u001b]0;title\u0007\tend\n';
    t.ok((await home.succeed(words)).stdout.startsWith(line));
    const { code, output } = await onTerminal([osctlPath, ...words], home.environment);
    t.equal(code, 0);
    t.ok(output.startsWith('\\x1b[2J\\x1b[31mred\\x1b]0;title\\x07\tend\n'), output);
    t.notOk(output.includes('\u001b'));
  });

  await showsKernelLog(t, node);

  await t.test('logs of several services, and as data', async (t) => {
    const { stdout } = await home.succeed(['logs', 'chatty', 'osd', '--tail', '3']);
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, line.indexOf(' ')));
    t.same([...names].sort(), ['chatty', 'chatty', 'chatty', 'osd', 'osd', 'osd']);
    const last = (await home.succeed(['logs', 'chatty', '--tail', '1'])).stdout;
    const json = JSON.parse((await home.succeed(['logs', 'chatty', '--tail', '1', '-o', 'json'])).stdout);
    t.match(json, { service: 'chatty', line: last.trimEnd() });
  });

  await t.test('dmesg -f --tail shows what comes now', async (t) => {
    const stream = home.stream('dmesg', '-f', '--tail');
    t.teardown(() => stream.stop());
    const before = stream.lines.length;
    // Each start and stop of a service is a record of PID 1's.
    const touch = home.succeed(['service', 'crasher', 'start']);
    await stream.until(seconds(30), 'a new record', (lines) =>
      lines.slice(before).some(({ text }) => /crasher/.test(text)),
    );
    await touch;
    await home.succeed(['service', 'crasher', 'stop']);
  });
});
