/** The last records of a kernel log, and what comes behind them: each once, whatever the node sends twice. */
import t from 'tap';
import type { DataMessage } from '../../../lib/osctl/byte-stream.js';
import { lastRecords, lastRecordsAndNew } from '../../../lib/osctl/dmesg-tail.js';

const GAP = '!';

/** Each word is a record, `!` a gap; times differ from stream to stream, as they do with a node. */
async function* stream(words: string, time: string): AsyncGenerator<DataMessage[]> {
  for (const word of words.split(' ').filter((word) => word !== '')) {
    yield [word === GAP ? { metadata: { error: GAP } } : { bytes: Buffer.from(`kern:    info: [${time}]: ${word}\n`) }];
  }
}

async function printed(batches: AsyncIterable<DataMessage[]>): Promise<string> {
  const found: string[] = [];
  for await (const batch of batches) {
    for (const { bytes, metadata } of batch) found.push(metadata?.error ?? Buffer.from(bytes ?? []).toString());
  }
  return found
    .filter((text) => text !== '')
    .join('')
    .trim();
}

const text = (line: string) => {
  const word = line.replace(/^.*: /, '');
  return word === 'unwanted' ? '' : `${word} `;
};
const last = (count: number, past: string) => printed(lastRecords(stream(past, '1'), count, text));
const follow = (count: number, past: string, following: string) =>
  printed(lastRecordsAndNew(stream(past, '1'), () => stream(following, '2'), count, text));

t.test('the last records', async (t) => {
  t.equal(await last(2, 'a b c'), 'b c');
  t.equal(await last(0, 'a b c'), '');
  t.equal(await last(5, 'a b c'), 'a b c');
  t.equal(await last(2, 'a b unwanted c unwanted'), 'b c');
  t.equal(await last(2, 'a ! b c'), 'b c', 'the gap lies before them');
  t.equal(await last(3, 'a ! b c'), '!b c');
});

t.test('and then what comes', async (t) => {
  t.equal(await follow(2, 'a b c', 'a b c d e'), 'b c d e');
  t.equal(await follow(0, 'a b c', 'a b c d'), 'd');
  t.equal(await follow(2, 'a b c', 'a b c'), 'b c', 'nothing comes');
  t.equal(await follow(2, '', 'a b'), 'a b', 'there was nothing');
  t.equal(await follow(1, 'a unwanted', 'a unwanted unwanted b'), 'a b');
});

t.test('the beginning was overwritten in between', async (t) => {
  t.equal(await follow(1, 'a b c', 'b c d'), 'c d');
  t.equal(await follow(1, 'a b c', 'c d'), 'c d');
  t.equal(await follow(1, 'a b c', 'd e'), 'c d e', 'all of it');
  t.equal(await follow(1, 'a b a b c', 'a b c d'), 'c d', 'it looks like an earlier place at first');
  t.equal(await follow(1, 'x x x x', 'x x x x x'), 'x x', 'records that are alike');
});

t.test('gaps', async (t) => {
  t.equal(await follow(1, 'a b c', 'a ! c d'), 'c d', 'what is missing the second time was there the first time');
  t.equal(await follow(1, 'a b c', 'a ! d'), 'c !d', 'it may reach beyond the first time');
  t.equal(await follow(1, 'a b c', 'a b c d ! f'), 'c d !f');
  t.equal(await follow(1, 'a b c', '! a b c d'), 'c d');
});
