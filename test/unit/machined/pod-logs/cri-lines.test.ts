import t from 'tap';
import { CriLines, lineHead } from '../../../../lib/machined/pod-logs/cri-lines.js';

const TIME = '2026-11-29T15:04:05.123456789Z';

/** What comes out when the text is read in pieces of so many bytes. */
function read(text: string | Buffer, step = Number.POSITIVE_INFINITY): string {
  const bytes = Buffer.from(text);
  const lines = new CriLines();
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) out.push(lines.take(bytes.subarray(at, at + step)));
  out.push(lines.end());
  return Buffer.concat(out).toString();
}

t.test('lines of both streams, in the order of the file', async (t) => {
  const text = [`${TIME} stdout F one`, `${TIME} stderr F two`, `2026-11-29T16:04:05.1+01:00 stdout F `, ''].join('\n');
  for (const step of [1, 2, 7, 40, 1000]) t.equal(read(text, step), 'one\ntwo\n\n', `${step} bytes at a time`);
});

t.test('pieces of long lines are put together, each stream for itself', async (t) => {
  const text = [
    `${TIME} stdout P a`,
    `${TIME} stderr P x`,
    `${TIME} stdout P b`,
    `${TIME} stderr F y`,
    `${TIME} stdout F c`,
    `${TIME} stdout P:more:tags d`,
    `${TIME} stdout F:t e`,
    '',
  ].join('\n');
  for (const step of [1, 3, 64, 1000]) t.equal(read(text, step), 'xy\nabc\nde\n', `${step} bytes at a time`);
});

t.test('what ends in the middle is told as far as it goes', async (t) => {
  t.equal(read(`${TIME} stdout P begun\n${TIME} stderr F who`), 'who\nbegun');
});

t.test('what is in no such format is passed on as it is', async (t) => {
  const odd = [
    'no time',
    '',
    'x'.repeat(100),
    `${TIME} stdout Q x`,
    `${TIME} stdoutF x`,
    `${TIME} stdout Fx`,
    '\0\xff',
  ];
  for (const line of odd) {
    t.equal(lineHead(Buffer.from(line), 0, Buffer.byteLength(line)), undefined, JSON.stringify(line));
    t.equal(read(`${line}\n`, 5), `${line}\n`);
  }
  t.equal(read(`${TIME} stdout F`), '\n', 'an empty line without the space behind its tag');
});

t.test('neither an endless line nor an endless row of pieces is kept', async (t) => {
  const lines = new CriLines();
  let out = 0;
  for (let count = 0; count < 64; count++) out += lines.take(Buffer.alloc(128 * 1024, 'x')).length;
  t.ok(out >= 7 * 1024 * 1024, `${out} bytes of 8 MiB without a newline came out`);
  const pieces = new CriLines();
  const piece = Buffer.from(`${TIME} stdout P ${'y'.repeat(16 * 1024)}\n`);
  out = 0;
  for (let count = 0; count < 512; count++) out += pieces.take(piece).length;
  t.ok(out >= 7 * 1024 * 1024, `${out} bytes of 8 MiB in pieces`);
});

t.test('any text in any pieces gives the same', async (t) => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: random(30) }, () => {
      const line = `${TIME} ${['stdout', 'stderr'][random(2)]} ${['P', 'F'][random(2)]} ${'abc '.repeat(random(20))}`;
      return `${line.slice(0, random(4) === 0 ? random(line.length) : line.length)}\n`;
    }).join('');
    const whole = read(text);
    const step = 1 + random(50);
    if (read(text, step) !== whole) t.equal(read(text, step), whole, `round ${round}, ${step} bytes at a time`);
  }
  t.pass('300 texts');
});

t.test('at the speed of a disk', async (t) => {
  const text = Buffer.from(`${TIME} stdout F ${'z'.repeat(60)}\n`.repeat(1300));
  const lines = new CriLines();
  const before = process.cpuUsage();
  let bytes = 0;
  for (let count = 0; count < 1000; count++) {
    lines.take(text);
    bytes += text.length;
  }
  const { user, system } = process.cpuUsage(before);
  const rate = bytes / (user + system);
  // A disk of a few years ago reads 500 MB/s; this is far below what is measured, and far above what a change of method would leave.
  t.ok(rate > 40, `${rate.toFixed(0)} MB for a second of processor time`);
});
