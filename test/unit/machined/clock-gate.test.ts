import t from 'tap';
import { ClockGate } from '../../../lib/machined/clock-gate.js';

const DAY_MS = 86_400_000;
const BUILT_MS = Date.UTC(2026, 5, 1);
const authority = { begins: Date.UTC(2026, 6, 1), ends: Date.UTC(2036, 6, 1) };

function gate(startMs: number, builtMs = BUILT_MS) {
  const clock = { wallMs: startMs, monotonicMs: 1000 };
  const notices: string[] = [];
  const made = new ClockGate({
    builtMs,
    wallMs: () => clock.wallMs,
    monotonicMs: () => clock.monotonicMs,
    notice: (text) => void notices.push(text),
  });
  return { clock, notices, gate: made, never: new AbortController() };
}

t.test('which clocks cannot be right', async (t) => {
  const problem = (wallMs: number, builtMs = BUILT_MS) => gate(wallMs, builtMs).gate.problem(authority);
  t.equal(problem(authority.begins + DAY_MS), undefined);
  t.match(problem(BUILT_MS - DAY_MS), /^the clock says 2026-05-31T.*when this version was not made yet$/);
  t.match(problem(0, Number.NaN), /^the clock says 1970-.*when the CA of the machine API was not made yet$/);
  t.match(problem(authority.ends + DAY_MS), /is not valid any more$/);
});

t.test('a clock that can be right, or that nobody sets, holds nothing up', async (t) => {
  const right = gate(authority.begins + DAY_MS);
  right.gate.expect(true);
  await right.gate.pass(authority, right.never.signal);
  const alone = gate(0);
  await alone.gate.pass(authority, alone.never.signal);
  t.same([...right.notices, ...alone.notices], []);
});

t.test('otherwise certificates wait for the step, for whoever asks to go, or for a minute', async (t) => {
  const { gate: wrong, clock, notices, never } = gate(0);
  wrong.expect(true);
  let passed = 0;
  const count = () => void passed++;
  const waits = [wrong.pass(authority, never.signal).then(count), wrong.pass(authority, never.signal).then(count)];
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(passed, 0);
  t.match(notices, [/^the clock says 1970-.*: certificates wait for a time server, at most 60 s$/]);
  clock.wallMs = authority.begins + DAY_MS;
  wrong.stepped();
  await Promise.all(waits);
  clock.wallMs = 0;
  const asker = new AbortController();
  const gone = wrong.pass(authority, asker.signal);
  asker.abort();
  await gone;
  clock.monotonicMs += 60_000;
  await wrong.pass(authority, never.signal);
  t.equal(notices.length, 1);
});
