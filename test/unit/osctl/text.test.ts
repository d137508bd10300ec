/** The pieces that text passes through on its way out. */
import { Writable } from 'node:stream';
import t from 'tap';
import { formatDuration, parseDuration } from '../../../lib/base/units.js';
import { printStream } from '../../../lib/osctl/byte-stream.js';
import type { Io } from '../../../lib/osctl/io.js';
import { LinePrefixer } from '../../../lib/osctl/line-prefix.js';
import { fields, table } from '../../../lib/osctl/output.js';
import { printable, TerminalFilter } from '../../../lib/osctl/terminal.js';

t.test('a terminal is not driven by what is printed', async (t) => {
  t.equal(printable('a\u001b[31mb\u0007\r\n\u009b'), 'a\\x1b[31mb\\x07\\x0d\\x0a\\x9b');
  const filter = new TerminalFilter();
  t.equal(filter.text(Buffer.from('ok\tü\n\u001b]0;title\u0007\r')), 'ok\tü\n\\x1b]0;title\\x07\\x0d');
  const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)];
  t.equal(filter.text(first) + filter.text(second), 'ü', 'a character that is cut in two');
  t.equal(filter.text(Buffer.from([0x9b, 0xff, 0x0a])), '\ufffd\ufffd\n', 'bytes that are no text');
});

t.test('prefixes: any cut of the text gives the same lines', async (t) => {
  const text = Buffer.from('one\n\nthree\nfour');
  const expected = 'p: one\np: \np: three\np: four\n';
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      const prefixer = new LinePrefixer('p: ');
      const pieces = [text.subarray(0, first), text.subarray(first, second), text.subarray(second)];
      const out = Buffer.concat([
        ...pieces.map((piece) => prefixer.push(piece)),
        prefixer.end(),
        prefixer.end(),
      ]).toString();
      if (out !== expected) t.equal(out, expected, `${first}, ${second}`);
    }
  }
  t.equal(new LinePrefixer('p').end().length, 0);
});

t.test('tables', async (t) => {
  t.equal(
    table(
      ['A', 'LONG', 'C'],
      [
        ['1', '2', '3'],
        ['wide one', '', 'x\ny'],
      ],
    ),
    'A          LONG   C\n1          2      3\nwide one          x\\x0ay\n',
  );
  t.equal(table(['A', 'B'], []), 'A   B\n');
  t.equal(
    fields([
      ['A', 'x'],
      ['LONG', ''],
    ]),
    'A      x\nLONG\n',
  );
});

t.test('durations', async (t) => {
  const good = { '10': 10_000, '1.5': 1500, '500ms': 500, '30s': 30_000, '1m30s': 90_000, '2h': 7_200_000, '0': 0 };
  for (const [text, ms] of Object.entries(good)) t.equal(parseDuration(text), ms, text);
  for (const text of ['', 's', '-1', '1d', '1 s', '1s2', 'abc']) t.equal(parseDuration(text), undefined, text);
  t.same([5, 1500, 61_000, 7_260_000].map(formatDuration), ['5 ms', '1.5 s', '1 min 1 s', '2 h 1 min']);
});

t.test('a stream of bytes on a terminal', async (t) => {
  const written: string[] = [];
  const stderr: string[] = [];
  const stdout = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    }),
    { isTTY: true },
  );
  const io = { stdout, stderr: { write: (text: string) => stderr.push(text) > 0 }, env: {} } as unknown as Io;
  async function* batches() {
    yield [{ bytes: Buffer.from('a\u001b[2J\nrest') }, { metadata: { error: 'missed\u001b[2J 3' } }];
    yield [{ bytes: Buffer.from(' of it') }, { bytes: Buffer.alloc(0) }];
  }
  t.equal(await printStream(io, batches(), { name: 'osd', prefix: 'osd ' }), true);
  t.equal(written.join(''), 'osd a\\x1b[2J\nosd rest of it\n');
  t.same(stderr, ['osctl: osd: missed\\x1b[2J 3\n']);
});
