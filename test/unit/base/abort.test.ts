/** Signals of work that has several ends, with the garbage collector at work in between: what is aborted has to be aborted. */
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { isTimeout, withDeadline, withSignals } from '../../../lib/base/abort.js';
import { DAY_MS } from '../../../lib/base/units.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Never resolves; rejects with the reason of its signal, which nothing else refers to. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

async function collectOften(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    collectGarbage();
    await sleep(5);
  }
}

t.test('a deadline is kept, whatever the garbage collector does', async (t) => {
  const never = new AbortController();
  const waiting = withDeadline(100, [never.signal, undefined], untilAborted);
  const late = t.rejects(waiting, { name: 'TimeoutError', message: 'not within 100 ms' });
  await collectOften();
  await late;
  t.same(getEventListeners(never.signal, 'abort'), [], 'nothing is left on the source');
});

t.test('the first source ends it, with its reason', async (t) => {
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = withDeadline(DAY_MS, [first.signal, second.signal], untilAborted);
  const ended = t.rejects(waiting, { message: 'enough' });
  await collectOften();
  second.abort(new Error('enough'));
  first.abort(new Error('too late'));
  await ended;
  for (const { signal } of [first, second]) t.same(getEventListeners(signal, 'abort'), []);
  const signal = AbortSignal.abort(new Error('before'));
  t.equal(
    await withSignals([signal], async (either) => either.reason.message),
    'before',
    'one that is aborted already',
  );
});

t.test('whatever fails when the time is over is a timeout, and nothing else is', async (t) => {
  const nap = (signal: AbortSignal) => sleep(DAY_MS, undefined, { signal });
  const error = await withDeadline(10, [], nap).catch((caught: unknown) => caught);
  t.ok(isTimeout(error));
  const stop = new AbortController();
  const stopped = withDeadline(DAY_MS, [stop.signal], nap);
  stop.abort(new Error('enough'));
  await t.rejects(stopped, { name: 'AbortError' });
  const both = withDeadline(1, [stop.signal], nap);
  await t.rejects(both, { name: 'AbortError' }, 'a source was first');
  const cut = withDeadline(1, [], async (signal) => {
    await untilAborted(signal).catch(() => {});
    throw new Error('the connection was cut');
  });
  await t.rejects(cut, { name: 'TimeoutError', cause: { message: 'the connection was cut' } });
});

t.test('work that ends in time, and time without an end', async (t) => {
  const stop = new AbortController();
  t.equal(await withDeadline(DAY_MS, [stop.signal], async () => 1), 1);
  t.equal(await withDeadline(Number.POSITIVE_INFINITY, [stop.signal], async () => 2), 2);
  t.equal(await withDeadline(365 * DAY_MS, [stop.signal], async ({ aborted }) => aborted), false);
  t.same(getEventListeners(stop.signal, 'abort'), []);
});
