/** Rows that come in pieces: what is printed is aligned with what was printed before. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { type Column, RowPrinter } from '../../../lib/osctl/row-printer.js';

/** What is printed of rows that are printed piece by piece. */
async function printed(columns: readonly Column[], ...pieces: string[][][]): Promise<string> {
  const stdout = new PassThrough();
  const printer = new RowPrinter({ stdout, stderr: stdout, env: {} }, 'table', columns);
  const whole = text(stdout);
  for (const piece of pieces) {
    // So many that they do not wait for others.
    const rows = piece.map((cells) => ({ view: {}, cells }));
    await printer.add([...rows, ...Array.from({ length: 500 - rows.length }, () => ({ view: {}, cells: ['-'] }))]);
  }
  await printer.end();
  stdout.end();
  return (await whole).replace(/^-\n/gm, '');
}

t.test('the first rows settle the widths, and a rule does', async (t) => {
  const columns: Column[] = [{ title: 'A' }, { title: 'SIZE', width: 6 }, { title: 'NAME' }];
  t.equal(
    await printed(columns, [['first', '1', 'x']], [['b', '123456', 'y']], [['c', '2', 'z']]),
    ['A       SIZE     NAME', 'first   1        x', 'b       123456   y', 'c       2        z', ''].join('\n'),
  );
});

t.test('a wider cell moves what is behind it, in its own line, as far as it must', async (t) => {
  const columns: Column[] = [{ title: 'A', width: 3 }, { title: 'B', width: 3 }, { title: 'C' }];
  t.equal(
    await printed(
      columns,
      [['a', 'b', 'c']],
      [
        ['12345', 'b', 'c'],
        ['1234567', 'b', 'c'],
        ['12345678901', '123', 'c'],
      ],
      [['a', 'b', 'c']],
    ),
    ['A     B     C', 'a     b     c', '12345 b     c', '1234567 b   c', '12345678901 123 c', 'a     b     c', ''].join(
      '\n',
    ),
  );
});

t.test('nothing but titles, or nothing', async (t) => {
  t.equal(await printed([{ title: 'NAME' }]), 'NAME\n');
  t.equal(await printed([]), '');
  t.equal(await printed([], [['x'], ['long name'], ['y']]), 'x\nlong name\ny\n');
});
