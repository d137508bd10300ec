/** The pieces that text passes through on its way out. */
import { Writable } from 'node:stream';
import t from 'tap';
import { formatDuration, MIB, parseDuration } from '../../../lib/base/units.js';
import { printStream } from '../../../lib/osctl/byte-stream.js';
import { type Io, untilRoom, writeChunks } from '../../../lib/osctl/io.js';
import { parseRecord, RecordFilter, wantedFacilities, wantedLevels } from '../../../lib/osctl/kernel-log.js';
import { fields, table } from '../../../lib/osctl/output.js';
import { LineMapper, LinePrefixer } from '../../../lib/osctl/stream-form.js';
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

t.test('any bytes in any pieces: what is made of the lines is what is made of the whole', async (t) => {
  // A small generator with a seed: a failure can be seen again.
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const alphabet = Buffer.from('ab\n\n\ré€\u{1f980}\u0000$&', 'utf8');
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(Array.from({ length: random(200) }, () => alphabet[random(alphabet.length)] as number));
    const lines = bytes.toString('latin1').split('\n');
    if (lines.at(-1) === '') lines.pop();
    const prefixer = new LinePrefixer('ü$& ');
    const prefix = Buffer.from('ü$& ').toString('latin1');
    const mapper = new LineMapper((line) => `<${line}>`);
    const [prefixed, mapped]: [Buffer[], Buffer[]] = [[], []];
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      end = at + 1 + random(40);
      const piece = bytes.subarray(at, end);
      prefixed.push(prefixer.push(piece));
      mapped.push(mapper.push(piece));
    }
    prefixed.push(prefixer.end());
    mapped.push(mapper.end());
    const wanted = lines.map((line) => `${prefix}${line}\n`).join('');
    const texts = lines.map((line) => `<${Buffer.from(line, 'latin1').toString('utf8')}>`).join('');
    if (Buffer.concat(prefixed).toString('latin1') !== wanted) t.fail(`round ${round}: prefixes`);
    if (Buffer.concat(mapped).toString('utf8') !== texts) t.fail(`round ${round}: lines`);
  }
  t.pass('500 rounds');
});

t.test('chunks that are worked on in pieces: line ends at their borders, lines longer than they are', (t) => {
  const lengths = [1, 65_534, 65_535, 65_536, 0, 0, 131_072, 100, 300_000, 7, 65_535, 65_535];
  const lines = lengths.map((length, index) => String.fromCharCode(97 + index).repeat(length));
  const bytes = Buffer.from(`${lines.join('\n')}\nrest`);
  const wanted = [...lines, 'rest'];
  for (const cut of [0, 1, 65_537, 65_538, 200_000, bytes.length - 4, bytes.length]) {
    const [prefixer, mapper] = [new LinePrefixer('p$ '), new LineMapper((line) => `<${line}>`)];
    const through = (form: LinePrefixer | LineMapper) =>
      Buffer.concat([form.push(bytes.subarray(0, cut)), form.push(bytes.subarray(cut)), form.end()]).toString();
    t.ok(through(prefixer) === wanted.map((line) => `p$ ${line}\n`).join(''), `prefixes, cut at ${cut}`);
    t.ok(through(mapper) === wanted.map((line) => `<${line}>`).join(''), `lines, cut at ${cut}`);
  }
  t.end();
});

t.test('a stream without line ends does not fill the memory', async (t) => {
  const prefixer = new LinePrefixer('p ');
  const piece = Buffer.alloc(MIB, 'x');
  let made = 0;
  for (let number = 0; number < 64; number++) {
    const { length } = prefixer.push(piece);
    t.ok(length <= 6 * MIB);
    made += length;
  }
  t.ok(made >= 58 * MIB, `${made} bytes of 64 MiB are passed on`);
});

t.test('records of the kernel log', async (t) => {
  const line = 'kern: warning: [2026-01-02T03:04:05.25Z]: usb 1-1: [device] is: odd';
  t.same(parseRecord(line), {
    time: '2026-01-02T03:04:05.25Z',
    facility: 'kern',
    level: 'warning',
    message: 'usb 1-1: [device] is: odd',
  });
  t.same(parseRecord('user:    info: [2026]: '), { time: '2026', facility: 'user', level: 'info', message: '' });
  for (const text of ['', 'a second line', 'kern: info: no time', 'kern: [2026]: no level', '[1]: x', 'a\u0000: b']) {
    t.same(parseRecord(text), { message: text }, JSON.stringify(text));
  }
  t.same([...wantedLevels(['err'])], ['emerg', 'alert', 'crit', 'err'], 'that level and worse');
  t.same([...wantedLevels(['error', 'info'])], ['err', 'info'], 'a list');
  t.throws(() => wantedLevels(['loud']), { message: /"loud" is no level; there are emerg, / });
  t.throws(() => wantedFacilities(['kern', 'x']), { message: /"x" is no facility; there are kern, / });
  const filter = new RecordFilter(wantedLevels(['warn']), wantedFacilities(['kern', 'user']));
  t.equal(filter.wants({ message: 'from before' }), true, 'a continuation of what is not known');
  t.equal(filter.wants({ facility: 'kern', level: 'info', message: '' }), false);
  t.equal(filter.wants({ message: 'its second line' }), false);
  t.equal(filter.wants({ facility: 'user', level: 'crit', message: '' }), true);
  t.equal(filter.wants({ message: 'its second line' }), true);
  t.equal(filter.wants({ facility: 'daemon', level: 'crit', message: '' }), false);
});

t.test('many writers wait for one stream without a word', async (t) => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  let written = 0;
  const stdout = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      written += chunk.length;
      setImmediate(done);
    },
  });
  const some = Buffer.alloc(100);
  await Promise.all(Array.from({ length: 100 }, () => writeChunks(stdout as unknown as Io['stdout'], [some, some])));
  t.equal(written, 100 * 200);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(warnings, []);
});

t.test('one who waits for room makes nothing while others have filled the stream', async (t) => {
  let release = () => {};
  const stdout = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      release = done;
    },
  });
  const io = stdout as unknown as Io['stdout'];
  await untilRoom(io);
  const first = writeChunks(io, [Buffer.alloc(10)]);
  let isThere = false;
  const second = untilRoom(io).then(() => {
    isThere = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(isThere, false);
  release();
  await Promise.all([first, second]);
  t.equal(isThere, true);
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
  t.equal(await printStream(io, batches(), { name: 'osd', form: new LinePrefixer('osd ') }), true);
  t.equal(written.join(''), 'osd a\\x1b[2J\nosd rest\nosd  of it\n', 'nothing is joined over a gap');
  t.same(stderr, ['osctl: osd: missed\\x1b[2J 3\n']);
});
