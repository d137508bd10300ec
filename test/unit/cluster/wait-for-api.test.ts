import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConsoleFollower } from '../../../lib/cluster/console-log.js';
import { waitForApi } from '../../../lib/cluster/wait-for-api.js';

const listening = '[    6.1] [talos] phase osd-listening on port 50000 (uptime 6.1 s)\n';

async function consoleOf(t: Test) {
  const path = join(t.testdir({}), 'console.log');
  writeFileSync(path, 'Linux version 6\n');
  const follower = await ConsoleFollower.open(path);
  t.teardown(() => follower.close());
  return { path, follower };
}

/** Never answers by itself. */
const silent = (signal: AbortSignal) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

t.test('an attempt that hangs ends when osd says that it listens', async (t) => {
  const { path, follower } = await consoleOf(t);
  const started = performance.now();
  let attempts = 0;
  let spokenAt = 0;
  await waitForApi({
    console: follower,
    ended: new AbortController().signal,
    timeoutMs: 20_000,
    probe: async (signal) => {
      attempts++;
      if (attempts > 1) return;
      spokenAt = performance.now();
      appendFileSync(path, listening);
      await silent(signal);
    },
  });
  t.equal(attempts, 2);
  t.ok(spokenAt - started > 1500, 'without the line it asks seldom');
  const tookMs = performance.now() - spokenAt;
  t.ok(tookMs < 1000, `the answer came ${tookMs.toFixed(0)} ms after the line, not after the patience of an attempt`);
});

t.test('the end of QEMU ends the waiting with its reason', async (t) => {
  const { path, follower } = await consoleOf(t);
  appendFileSync(path, listening);
  const ended = new AbortController();
  const reason = new Error('QEMU ended with code 1');
  const waiting = waitForApi({ console: follower, ended: ended.signal, timeoutMs: 20_000, probe: silent });
  ended.abort(reason);
  await t.rejects(waiting, reason);
});

t.test('the caller’s signal, and the end of patience', async (t) => {
  const { path, follower } = await consoleOf(t);
  appendFileSync(path, listening);
  const stop = new AbortController();
  const { signal } = new AbortController();
  const stopped = waitForApi({
    console: follower,
    ended: signal,
    timeoutMs: 20_000,
    probe: silent,
    signal: stop.signal,
  });
  stop.abort(new Error('enough'));
  await t.rejects(stopped, { message: 'enough' });
  const refused = async () => {
    throw new Error('connection refused');
  };
  await t.rejects(waitForApi({ console: follower, ended: signal, timeoutMs: 300, probe: refused }), {
    code: 'ERR_API_TIMEOUT',
    message: /connection refused/,
  });
});
