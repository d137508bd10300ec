import t from 'tap';
import { type ClockState, INITIAL_CLOCK, planClock } from '../../../lib/networkd/clock/clock-plan.js';

const YEAR_MS = 365 * 86_400_000;
const answer = (offsetMs: number, delayMs = 20) => ({ offsetMs, delayMs });

/** The answers one after the other, and what was done: a number for a step, 'slew', 'none' or 'wait'. */
function follow(offsets: (number | undefined)[], from: ClockState = INITIAL_CLOCK) {
  let state = from;
  const done: [string | number, number][] = [];
  for (const offset of offsets) {
    const { action, nextMs, ...next } = planClock(state, offset === undefined ? undefined : answer(offset));
    state = next.state;
    done.push([action.kind === 'step' ? action.byMs : action.kind, nextMs / 1000]);
  }
  return { state, done };
}

t.test('a clock that is a year off is set at once, and followed from then on', async (t) => {
  for (const offset of [YEAR_MS, -YEAR_MS, 101]) {
    const { state, done } = follow([offset, 3, 2, -1]);
    t.same(done, [
      [offset, 2],
      ['slew', 32],
      ['slew', 64],
      ['slew', 128],
    ]);
    t.equal(state.kind, 'sure');
  }
  t.same(follow([99]).done, [['slew', 32]], 'what is near is slewed away from the beginning');
});

t.test('the better it goes, the less often it is asked', async (t) => {
  const { done } = follow(Array(10).fill(1));
  t.same(
    done.map(([, seconds]) => seconds),
    [32, 64, 128, 256, 512, 1024, 2048, 2048, 2048, 2048],
  );
  const far: ClockState = { kind: 'sure', doubtMs: 0, pollMs: 128_000, failures: 0 };
  t.same(follow([60, 30, -80, 60, 400], far).done, [
    ['slew', 64],
    ['slew', 64],
    ['slew', 32],
    ['slew', 32],
    ['slew', 32],
  ]);
});

t.test('one answer alone does not set a clock that was right', async (t) => {
  const sure = follow([5]).state;
  t.same(follow([YEAR_MS, 4], sure).done, [
    ['none', 2],
    ['slew', 64],
  ]);
  t.same(follow([5000, 5100, 2], sure).done, [
    ['none', 2],
    [5100, 2],
    ['slew', 32],
  ]);
  t.same(follow([5000, -5000, YEAR_MS, YEAR_MS + 100], sure).done, [
    ['none', 2],
    ['none', 2],
    ['none', 2],
    [YEAR_MS + 100, 2],
  ]);
});

t.test('without an answer', async (t) => {
  const seconds = follow(Array(9).fill(undefined)).done.map(([, next]) => next);
  t.same(seconds, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  const { state, done } = follow([1, undefined, undefined, 1]);
  t.same(
    done.map(([, next]) => next),
    [32, 32, 32, 64],
    'one that is right does not hurry',
  );
  t.match(state, { kind: 'sure', failures: 0 });
});

t.test('what the kernel is told', async (t) => {
  const slew = (offsetMs: number, pollMs: number) => {
    const { action } = planClock({ kind: 'sure', doubtMs: 0, pollMs, failures: 0 }, answer(offsetMs, 30));
    return action.kind === 'slew' ? action.slew : undefined;
  };
  t.same(slew(-200, 32_000), { offsetMs: -200, timeConstant: 1, maxErrorMs: 215, estimatedErrorMs: 15 });
  t.equal(slew(1, 2_048_000)?.timeConstant, 7);
});
