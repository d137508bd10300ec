import t from 'tap';
import { growthChart } from '../../../benchmarks/lib/growth-chart.js';

t.test('what grows in proportion rises by the same step for each power of ten', async (t) => {
  const points = [1, 10, 100].map((size) => ({ size, cost: 5 * size }));
  const svg = growthChart({ title: 'a < b', unit: 'µs', lines: [{ label: 'things', points }] });
  const [, corners = ''] = /<polyline points="([^"]+)"/.exec(svg) ?? [];
  const places = corners.split(' ').map((corner) => corner.split(',').map(Number)) as [number, number][];
  const [one, ten, hundred] = places as [[number, number], [number, number], [number, number]];
  t.ok(Math.abs(ten[0] - one[0] - (hundred[0] - ten[0])) < 0.2);
  t.ok(Math.abs(one[1] - ten[1] - (ten[1] - hundred[1])) < 0.2);
  t.ok(one[1] > hundred[1], 'upwards');
  t.match(svg, 'a &lt; b');
  t.notMatch(svg, /NaN|Infinity|undefined/);
});

t.test('names of lines that end together do not lie on each other', async (t) => {
  const points = [1, 10].map((size) => ({ size, cost: size }));
  const svg = growthChart({ title: '', unit: '', lines: ['a', 'b', 'c'].map((label) => ({ label, points })) });
  const heights = [...svg.matchAll(/<text x="740" y="([\d.]+)"/g)].map(([, y]) => Number(y));
  t.equal(heights.length, 3);
  t.ok(heights.every((height, index) => index === 0 || height - (heights[index - 1] ?? 0) >= 15));
});
