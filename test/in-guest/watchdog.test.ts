/** The kernel's software watchdog, which is told (softdog.soft_noboot=1) to say what it would do instead of doing it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { findWatchdog } from '../../lib/os/watchdog.js';
import { seconds } from '../helpers/deadline.js';

t.setTimeout(seconds(120));

const { kmsg, power } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));
const path = findWatchdog() ?? '';
const stateOf = () => readFileSync(`/sys/class/watchdog/${path.replace('/dev/', '')}/state`, 'utf8').trim();

/** Reads the kernel log from its end on. */
function followLog(t: Test): (pattern: RegExp) => Promise<string> {
  const reader = kmsg.openReader(kmsg.subscribe('end'));
  t.teardown(() => reader.close());
  const messages: string[] = [];
  // The first record that matches, whatever was asked for before: they may come in any order.
  return async (pattern) => {
    for (;;) {
      const found = messages.find((message) => pattern.test(message));
      if (found !== undefined) return found;
      await reader.wait();
      messages.push(...reader.read(100).records.map(({ message }) => message));
    }
  };
}

t.test('is armed, petted and disarmed', async (t) => {
  t.equal(path, '/dev/watchdog0', 'this machine has no other');
  const watchdog = power.openWatchdog({ path, timeoutSeconds: 30, pretimeoutSeconds: 1 });
  t.match(watchdog, {
    identity: 'Software Watchdog',
    timeoutSeconds: 30,
    pretimeoutSeconds: 1,
    isNowayout: false,
    withheld: 0,
  });
  t.equal(stateOf(), 'active');
  t.throws(() => power.openWatchdog({ path, timeoutSeconds: 30 }), { code: 'EBUSY', syscall: 'open', path });
  watchdog.disarm();
  watchdog.disarm();
  t.equal(stateOf(), 'inactive');
});

t.test('a standstill of the event loop is not covered up for', async (t) => {
  const until = followLog(t);
  const watchdog = power.openWatchdog({ path, timeoutSeconds: 2, aliveWithinMs: 1000 });
  t.teardown(() => watchdog.disarm());
  // Longer than both together.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  t.ok(watchdog.withheld > 0);
  const pets = watchdog.pets;
  t.match(await until(/watchdog: the event loop has not turned/), /within 2 s/);
  t.ok(await until(/softdog: Triggered - Reboot ignored/), 'the machine would have been reset');
  t.ok(await until(/watchdog: the event loop turns again/));
  t.ok(watchdog.pets > pets);
});

t.test('a process that ends without a word leaves it armed', async (t) => {
  const program = `(await import(${JSON.stringify(loader)})).loadNative()
    .power.openWatchdog({ path: ${JSON.stringify(path)}, timeoutSeconds: 600 });`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  t.equal(stateOf(), 'active');
  power.openWatchdog({ path, timeoutSeconds: 600 }).disarm();
  t.equal(stateOf(), 'inactive');
});
