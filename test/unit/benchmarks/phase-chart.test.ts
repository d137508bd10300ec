import t from 'tap';
import { phaseChart } from '../../../benchmarks/lib/phase-chart.js';

/** Left edge and width of every piece of a bar. */
function pieces(svg: string): number[][] {
  return [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ]);
}

t.test('pieces follow each other, and all bars have one scale', async (t) => {
  const svg = phaseChart({
    title: 'a & b',
    bars: [
      {
        label: 'ours',
        phases: [
          { name: 'kernel', untilSeconds: 1 },
          { name: 'init', untilSeconds: 4 },
        ],
      },
      { label: 'rival', phases: [{ name: 'all', untilSeconds: 8 }] },
    ],
    mark: { label: 'a quarter', seconds: 2 },
  });
  const [kernel, init, rival] = pieces(svg);
  t.same(kernel, [130, 100]);
  t.same(init, [230, 300]);
  t.same(rival, [130, 800]);
  t.match(svg, '<title>init: 3.00 s, until 4.00 s</title>');
  t.match(svg, '<line x1="330" y1="46" x2="330"', 'the mark');
  t.match(svg, 'a &amp; b');
  t.notMatch(svg, /NaN|Infinity|undefined/);
});

t.test('a mark beyond the bars is on the picture', async (t) => {
  const svg = phaseChart({
    title: '',
    bars: [{ label: 'x', phases: [{ name: 'y', untilSeconds: 1 }] }],
    mark: { label: 'z', seconds: 10 },
  });
  t.same(pieces(svg), [[130, 80]]);
});
