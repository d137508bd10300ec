/** What is shown of the stored results is what their numbers say. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dotChart, short } from '../../../benchmarks/lib/dot-chart.js';
import { RESULTS, renderedResults, renderResults } from '../../../benchmarks/lib/render-results.js';
import { budgetState, isOurs, panelsOf, resultPage } from '../../../benchmarks/lib/result-page.js';

const steady = (middle: number) => [0.98, 0.99, 1, 1.01, 1.02].map((factor) => factor * middle);

t.test('the committed pages and charts are those of the committed numbers', async (t) => {
  for (const [name, content] of await renderedResults(RESULTS)) {
    t.equal(readFileSync(join(RESULTS, name), 'utf8'), content, `${name}: npm run bench -- charts makes it anew`);
  }
});

t.test('every page has a chart that is there, and no picture lacks a number', async (t) => {
  const names = readdirSync(RESULTS);
  for (const page of names.filter((name) => name.endsWith('.md'))) {
    const [, chart = ''] = /^!\[[^\]]*\]\(([^)]+)\)$/m.exec(readFileSync(join(RESULTS, page), 'utf8')) ?? [];
    t.ok(existsSync(join(RESULTS, chart)), `${page} shows ${chart}`);
  }
  for (const picture of names.filter((name) => name.endsWith('.svg'))) {
    t.notMatch(readFileSync(join(RESULTS, picture), 'utf8'), /NaN|Infinity|undefined/, picture);
  }
});

t.test('only what has changed is written', async (t) => {
  const folder = t.testdir();
  cpSync(join(RESULTS, 'ring.json'), join(folder, 'ring.json'));
  t.same(await renderResults(folder), ['ring.md', 'ring.svg']);
  t.same(await renderResults(folder), []);
});

t.test('a budget within the noise is not decided', async (t) => {
  const measurements = [
    { name: 'ours', unit: 'MB/s', samples: steady(300) },
    { name: 'rival', unit: 'MB/s', samples: steady(100) },
    { name: 'wild', unit: 'MB/s', samples: [50, 80, 100, 130, 200] },
  ];
  const state = (by: string, atLeast?: number) =>
    budgetState({ name: 'x', of: 'ours', by, value: 3, ...(atLeast === undefined ? {} : { atLeast }) }, measurements);
  t.equal(state('rival', 2), 'kept');
  t.equal(state('rival', 4), '**missed**');
  t.equal(state('wild', 2.9), 'too noisy to decide');
  t.equal(state('rival'), '');
});

t.test('rivals are told from ours by their names', async (t) => {
  const ours = ['osctl ps, v26.10.0', 'log ring: throughput', 'small: native sampler', 'ring: append 100 B, 4 readers'];
  const rivals = [
    'node -e 0, v20.20.2',
    'dmesg --raw',
    'ip -j route, and JSON.parse',
    'file, slabs: read 100 B',
    'tini: the whole storm',
  ];
  for (const name of ours) t.ok(isOurs(name), name);
  for (const name of rivals) t.notOk(isOurs(name), name);
});

t.test('a page has a row a measurement, and says where it was measured', async (t) => {
  const page = resultPage(
    {
      benchmark: 'thing',
      question: 'how long',
      parameters: { lines: 3 },
      circumstances: { date: '2026-01-02T03:04:05Z', commit: '0123456789abcdef', uncommittedChanges: true, cpu: 'Z80' },
      measurements: [{ name: 'a|b', unit: 'ms', samples: [1, 2, 3] }],
    },
    'thing.svg',
  );
  t.match(page, '| a\\|b | 2 | 2.9 | 2.98 | 1 | 3 | ms | 50 % | 3 |');
  t.match(page, 'Measured on 2026-01-02, commit 012345678 with uncommitted changes; cpu Z80.');
});

t.test('what lies far apart gets a logarithmic axis, and the rest one from nothing', async (t) => {
  const panel = (...medians: number[]) => ({
    unit: 'ms',
    rows: medians.map((median) => ({ label: 'x', median, from: median, to: median, isRival: false })),
  });
  const places = (svg: string) =>
    [...svg.matchAll(/<circle cx="([\d.]+)" cy="\d+" r="5"[^>]*><title/g)].map(([, x]) => Number(x));
  const [one = 0, two = 0] = places(dotChart({ title: '', panels: [panel(5, 10)] }));
  t.equal(two - 380, 2 * (one - 380), 'twice as much is twice as far');
  const [low = 0, middle = 0, high = 0] = places(dotChart({ title: '', panels: [panel(1, 10, 100)] }));
  t.equal(high - middle, middle - low, 'ten times as much is a step');
  t.throws(() => dotChart({ title: '', panels: [panel()] }), RangeError);
});

t.test('panels come by unit', async (t) => {
  const panels = panelsOf([
    { name: 'a', unit: 's', samples: [1] },
    { name: 'b', unit: 'MB', samples: [1] },
    { name: 'c', unit: 's', samples: [1] },
  ]);
  t.same(
    panels.map(({ unit, rows }) => [unit, rows.map(({ label }) => label)]),
    [
      ['s', ['a', 'c']],
      ['MB', ['b']],
    ],
  );
});

t.test('numbers as they are shown', async (t) => {
  t.same([0, 0.12345, 12.345, 1234.5, 12_345_678].map(short), ['0', '0.123', '12.3', '1235', '12.3 M']);
});
