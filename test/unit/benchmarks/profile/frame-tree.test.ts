import t from 'tap';
import { fold, functionsOf, groupsOf, type TreeNode } from '../../../../benchmarks/profile/frame-tree.js';
import { shareTable } from '../../../../benchmarks/profile/share-table.js';
import { groupOf, type Stack } from '../../../../benchmarks/profile/stack.js';

/** `lib/a/x.js` of `f` is in the group `lib/a`. */
const frame = (name: string, module = `lib/${name}/x.js`) => ({ name, module, line: 1 });
const stack = (microseconds: number, ...names: string[]): Stack => ({
  frames: names.map((name) => frame(name)),
  microseconds,
});

const STACKS = [stack(10, 'a'), stack(20, 'a', 'b'), stack(30, 'a', 'b', 'a'), stack(40, 'c'), stack(5, 'a', 'b')];

t.test('chains with the same beginning share it', async (t) => {
  const shape = ({ frame, selfUs, totalUs, children }: TreeNode): unknown => [
    frame.name,
    selfUs,
    totalUs,
    ...[...children.values()].map(shape),
  ];
  t.strictSame(shape(fold(STACKS, 'all')), ['all', 0, 105, ['a', 10, 65, ['b', 25, 55, ['a', 30, 30]]], ['c', 40, 40]]);
  t.strictSame(shape(fold([], 'all')), ['all', 0, 0]);
});

t.test('functions of one name in two places are two', async (t) => {
  const two = [1, 2].map((line) => ({ frames: [{ ...frame('a'), line }], microseconds: 1 }));
  t.equal(fold(two, 'all').children.size, 2);
});

t.test('the time of a function that calls itself counts once', async (t) => {
  t.strictSame(functionsOf(STACKS), [
    { name: 'a  lib/a/x.js:1', selfUs: 40, totalUs: 65 },
    { name: 'c  lib/c/x.js:1', selfUs: 40, totalUs: 40 },
    { name: 'b  lib/b/x.js:1', selfUs: 25, totalUs: 55 },
  ]);
  t.strictSame(
    groupsOf(STACKS).map(({ name }) => name),
    ['lib/a', 'lib/c', 'lib/b'],
  );
});

t.test('modules are counted together by folder, package and area', async (t) => {
  for (const [module, group] of [
    ['lib/osd/handlers/logs.js', 'lib/osd'],
    ['lib/osctl/io.ts in HCDNITEC.mjs', 'lib/osctl'],
    ['node_modules/@grpc/grpc-js/build/src/server.js', '@grpc/grpc-js'],
    ['node_modules/commander/lib/command.js', 'commander'],
    ['node:internal/streams/writable', 'node:streams'],
    ['node:_tls_wrap', 'node:_tls_wrap'],
    ['(kernel)', '(kernel)'],
  ] as const) {
    t.equal(groupOf(module), group);
  }
});

t.test('a table has shares of the whole, and those that come first', async (t) => {
  t.equal(
    shareTable('function', functionsOf(STACKS), { most: 1, allUs: 105 }),
    '    self   total  function\n  38.1 %  61.9 %  a  lib/a/x.js:1\n',
  );
});
