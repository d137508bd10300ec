import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bootPhases } from '../../../lib/cluster/boot-phases.js';
import { ConsoleFollower, consoleTail } from '../../../lib/cluster/console-log.js';

async function follow(t: Test, content = '') {
  const file = join(t.testdir({ console: content }), 'console');
  const follower = await ConsoleFollower.open(file);
  t.teardown(() => follower.close());
  return { file, follower };
}

t.test('lines that are there and lines that come', async (t) => {
  const { file, follower } = await follow(t, 'first\r\nsec');
  t.equal((await follower.waitFor(/first/)).text, 'first', 'without its carriage return');
  const second = follower.waitFor(/second/);
  appendFileSync(file, 'ond\n');
  t.equal((await second).text, 'second', 'a line that came in two pieces');
});

t.test('only what comes after a mark', async (t) => {
  const { file, follower } = await follow(t, 'boot\n');
  await follower.waitFor(/boot/);
  const mark = follower.lines.length;
  const again = follower.waitFor(/boot/, { after: mark });
  appendFileSync(file, 'boot again\n');
  t.equal((await again).text, 'boot again');
});

t.test('waiting ends with its signal', async (t) => {
  const { follower } = await follow(t);
  await t.rejects(follower.waitFor(/never/, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' });
  await t.rejects(follower.waitFor(/never/, { signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' });
});

t.test('control sequences of the firmware are taken out', async (t) => {
  const { follower } = await follow(t, '\u001bc\u001b[?7l\u001b[2J\u001b[0mSeaBIOS\n');
  t.equal((await follower.waitFor(/SeaBIOS/)).text, 'SeaBIOS');
});

t.test('a burst of many lines is complete and in order', async (t) => {
  const { file, follower } = await follow(t);
  const count = 20_000;
  const last = follower.waitFor(new RegExp(`^line ${count - 1}$`));
  for (let start = 0; start < count; start += 1000) {
    appendFileSync(file, Array.from({ length: 1000 }, (_, index) => `line ${start + index}\n`).join(''));
  }
  await last;
  t.equal(follower.lines.length, count);
  t.ok(follower.lines.every((line, index) => line.text === `line ${index}`));
});

t.test('the end of a log', async (t) => {
  const file = join(t.testdir(), 'console');
  t.same(await consoleTail(file, 3), [], 'there is none yet');
  writeFileSync(file, 'a\n\nb\r\nc\nd');
  t.same(await consoleTail(file, 3), ['b', 'c', 'd']);
});

t.test('phases of the latest boot', async (t) => {
  const lines = [
    { text: '[    0.000000] Linux version 6.12.117-talos', seenAtMs: 1100 },
    { text: '[    0.9] stage0: started', seenAtMs: 2000 },
    { text: '[    1.0] stage0: starting /sbin/init', seenAtMs: 2100 },
    { text: '[    1.2] [talos] init started: v0.1.0', seenAtMs: 2300 },
    { text: '[    1.3] [talos] phase cgroups done in 4.3 ms (uptime 1.3 s)', seenAtMs: 2400 },
    { text: '[    1.4] [talos] phase services done in 1.3 ms (uptime 1.4 s)', seenAtMs: 2500 },
    { text: '[    1.5] [machined] the machine config was read from the config disk; host name a', seenAtMs: 2600 },
    { text: '[    0.000000] Linux version 6.12.117-talos', seenAtMs: 9000 },
    { text: '[    0.8] stage0: started', seenAtMs: 9800 },
    { text: '[    0.8] stage0: started', seenAtMs: 9900 },
  ];
  t.same(bootPhases(lines.slice(0, 7), 1000), [
    { name: 'kernel', atMs: 100 },
    { name: 'stage0', atMs: 1000 },
    { name: 'root', atMs: 1100 },
    { name: 'init', atMs: 1300 },
    { name: 'cgroups', atMs: 1400, isDetail: true },
    { name: 'services', atMs: 1500 },
    { name: 'config', atMs: 1600 },
  ]);
  t.same(bootPhases(lines, 1000), [
    { name: 'kernel', atMs: 8000 },
    { name: 'stage0', atMs: 8800 },
  ]);
});
