import t from 'tap';
import { flameGraph } from '../../../../benchmarks/profile/flame-graph.js';
import { flameLayout } from '../../../../benchmarks/profile/flame-layout.js';
import { fold, groupsOf } from '../../../../benchmarks/profile/frame-tree.js';
import type { Stack } from '../../../../benchmarks/profile/stack.js';

const stack = (microseconds: number, ...names: string[]): Stack => ({
  frames: names.map((name) => ({ name, module: `lib/${name}/x.js`, line: 1 })),
  microseconds,
});
const STACKS = [stack(100, 'a'), stack(300, 'a', 'b'), stack(598, 'c'), stack(2, 'a', 'd')];

t.test('a box is as wide as its time, above its caller, the widest first', async (t) => {
  const boxes = flameLayout(fold(STACKS, 'all'), 0).map(({ node, left, width, depth }) => [
    node.frame.name,
    left,
    width,
    depth,
  ]);
  const byName = new Map(boxes.map(([name, ...place]) => [name, place]));
  t.strictSame(byName.get('all'), [0, 1, 0]);
  t.strictSame(byName.get('c'), [0, 0.598, 1]);
  t.strictSame(byName.get('a'), [0.598, 0.402, 1]);
  t.strictSame(byName.get('b'), [0.598, 0.3, 2]);
  t.strictSame(byName.get('d'), [0.598 + 0.3, 0.002, 2]);
});

t.test('what is too narrow is left out, with all above it', async (t) => {
  const stacks = [stack(999, 'a'), stack(1, 'b', 'c')];
  const names = (least: number) => flameLayout(fold(stacks, 'all'), least).map(({ node }) => node.frame.name);
  t.strictSame(names(0.01).sort(), ['a', 'all']);
  t.strictSame(names(0.001).sort(), ['a', 'all', 'b', 'c']);
});

t.test('nothing that took time is no box', async (t) => {
  t.strictSame(flameLayout(fold([], 'all'), 0), []);
});

t.test('the picture', async (t) => {
  const stacks = [...STACKS, stack(500, 'x<y>&"z"', 'a function with a name that has no room')];
  const svg = flameGraph({ title: 'one & two', root: fold(stacks, 'all'), groups: groupsOf(stacks) });
  t.match(svg, 'one &amp; two');
  t.match(svg, '<title>b  lib/b/x.js:1: total 20.0 % (0.3 ms), self 20.0 % (0.3 ms)</title>');
  t.match(svg, '<title>all: total 100.0 % (1.5 ms), self 0.0 % (0.0 ms)</title>');
  t.match(svg, 'x&lt;y>&amp;&quot;z&quot;');
  t.match(svg, /<text [^>]*>lib\/c: 39\.9 %</, 'the legend');
  const colour = (name: string) => new RegExp(`<title>${name} [^<]*</title><rect [^>]*fill="([^"]+)"`).exec(svg)?.[1];
  t.not(colour('b'), colour('c'), 'a colour a group');
  t.notMatch(svg, /NaN|Infinity|undefined/);
  t.notMatch(flameGraph({ title: '', root: fold([], 'all'), groups: [] }), /NaN|Infinity|undefined/);
});
