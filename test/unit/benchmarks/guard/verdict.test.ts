import t from 'tap';
import { BELIEF, judge, judgeExact } from '../../../../benchmarks/guard/verdict.js';

const around = (middle: number, spread: number, count = 8) =>
  Array.from({ length: count }, (_, index) => middle * (1 + (spread * (index - (count - 1) / 2)) / count));

t.test('a slow-down beyond the limit that is no chance', async (t) => {
  const verdict = judge({ base: around(100, 0.1), head: around(150, 0.1) }, 1.2);
  t.equal(verdict.kind, 'slower');
  t.ok(Math.abs(verdict.ratio - 1.5) < 1e-9);
  t.ok(verdict.chance <= BELIEF);
});

t.test('one within the limit is kept, however sure it is', async (t) => {
  const verdict = judge({ base: around(100, 0.02), head: around(110, 0.02) }, 1.2);
  t.equal(verdict.kind, 'kept');
  t.ok(verdict.chance <= BELIEF, 'it is slower');
});

t.test('equal builds are kept', async (t) => {
  t.equal(judge({ base: around(100, 0.1), head: around(100, 0.1) }, 1.2).kind, 'kept');
});

t.test('noise decides nothing, in either direction', async (t) => {
  t.equal(judge({ base: around(100, 2), head: around(140, 2) }, 1.2).kind, 'undecided', 'beyond the limit, by chance');
  t.equal(judge({ base: around(100, 2), head: around(100, 2) }, 1.2).kind, 'undecided', 'equal, but who knows');
});

t.test('too few samples decide nothing', async (t) => {
  t.equal(judge({ base: around(100, 0.1, 3), head: around(300, 0.1, 3) }, 1.2).kind, 'undecided');
});

t.test('what is faster is kept', async (t) => {
  t.equal(judge({ base: around(100, 0.1), head: around(50, 0.1) }, 1.2).kind, 'kept');
});

t.test('a size needs no statistics', async (t) => {
  t.equal(judgeExact(1000, 1101, 1.1).kind, 'slower');
  t.equal(judgeExact(1000, 1099, 1.1).kind, 'kept');
});
