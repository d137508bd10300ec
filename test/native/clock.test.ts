import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { openDescriptors } from './open-descriptors.js';

const { clock } = loadNative();

t.test('time goes on, and includes what was slept through', async (t) => {
  const monotonicMs = Math.floor(Number(process.hrtime.bigint() / 1_000_000n));
  const before = clock.bootTimeMs();
  t.ok(Number.isSafeInteger(before));
  t.ok(before >= monotonicMs, 'never behind CLOCK_MONOTONIC');
  t.ok(clock.bootTimeMs() >= before);
});

t.test('a timer is due when its moment has come', async (t) => {
  const timer = clock.createTimer();
  t.equal(timer.take(), false, 'a new one never is');
  const atMs = clock.bootTimeMs() + 20;
  timer.arm(atMs);
  const [first, second] = [timer.wait(), timer.wait()];
  t.equal(first, second, 'one wait at a time');
  await first;
  t.ok(clock.bootTimeMs() >= atMs, 'it is not early');
  t.equal(timer.take(), true);
  t.equal(timer.take(), false, 'once');
  timer.arm(0);
  await timer.wait();
  t.equal(timer.take(), true, 'a moment that has passed is due at once');
  timer.arm(0);
  timer.arm(undefined);
  t.equal(timer.take(), false, 'one that is taken back is not');
  timer.close();
});

t.test('closing ends a wait', async (t) => {
  const before = openDescriptors();
  const timer = clock.createTimer();
  const wait = timer.wait();
  timer.close();
  await t.rejects(wait, { code: 'ECANCELED', syscall: 'wait' });
  timer.close();
  await t.rejects(timer.wait(), { code: 'ECANCELED' });
  t.throws(() => timer.arm(1), { code: 'ECANCELED', syscall: 'timer' });
  t.throws(() => timer.take(), { code: 'ECANCELED' });
  t.equal(openDescriptors(), before);
});

t.test('wrong arguments never reach the kernel', async (t) => {
  const timer = clock.createTimer();
  t.throws(() => timer.arm('1' as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  for (const moment of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => timer.arm(moment), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }, String(moment));
  }
  timer.close();
});

t.test('the state of the wall clock', async (t) => {
  const { isSynchronised, offsetMs, frequencyPpm, maxErrorMs } = clock.realTimeState();
  t.type(isSynchronised, 'boolean');
  t.ok(Math.abs(offsetMs) <= 500 && Math.abs(frequencyPpm) <= 500 && maxErrorMs >= 0);
});

t.test('what the wall clock cannot take is refused before the kernel hears of it', async (t) => {
  for (const by of [Number.NaN, Number.POSITIVE_INFINITY, 1e13, -1e13]) {
    t.throws(() => clock.stepRealTime(by), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }, String(by));
  }
  const slew = { offsetMs: 0, timeConstant: 1, maxErrorMs: 1, estimatedErrorMs: 1 };
  for (const wrong of [{ offsetMs: 501 }, { timeConstant: 11 }, { timeConstant: 1.5 }, { maxErrorMs: -1 }]) {
    const how = JSON.stringify(wrong);
    t.throws(() => clock.slewRealTime({ ...slew, ...wrong }), { code: 'ERR_INVALID_ARG_VALUE' }, how);
  }
  t.throws(() => clock.slewRealTime({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
