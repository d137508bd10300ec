/** Hash trees, judged by veritysetup(8). */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { appendVerityTree, VERITY_BLOCK_BYTES } from '../../../lib/image/verity.js';

const folder = t.testdir();

/** Bytes that differ from block to block, and are the same every time. */
function content(size: number): Buffer {
  const parts = Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  );
  return Buffer.concat(parts).subarray(0, size);
}

function verify(file: string, rootHash: string, hashOffset: number): boolean {
  const argv = ['verify', file, file, rootHash, `--hash-offset=${hashOffset}`];
  const { status, error } = spawnSync('veritysetup', argv, { encoding: 'utf8' });
  if (error) throw error;
  return status === 0;
}

const MIB = 1024 * 1024;
const sizes = {
  'one byte': 1,
  'one block': VERITY_BLOCK_BYTES,
  'a block and a byte': VERITY_BLOCK_BYTES + 1,
  'one full block of digests': 128 * VERITY_BLOCK_BYTES,
  'two levels': 129 * VERITY_BLOCK_BYTES,
  'more than is read at once': 4 * MIB + 5,
};

for (const [name, size] of Object.entries(sizes)) {
  t.test(`a tree over ${name}`, async (t) => {
    const file = path.join(folder, 'image');
    writeFileSync(file, content(size));
    const tree = await appendVerityTree(file);
    t.equal(tree.dataBlocks, Math.ceil(size / VERITY_BLOCK_BYTES));
    t.equal(tree.hashOffset, tree.dataBlocks * VERITY_BLOCK_BYTES);
    t.ok(verify(file, tree.rootHash, tree.hashOffset));
    t.notOk(
      verify(
        file,
        tree.rootHash.replace(/./, (digit) => (digit === '0' ? '1' : '0')),
        tree.hashOffset,
      ),
    );
    const whole = readFileSync(file);
    const places = { 'the first block': 0, 'the last block': size - 1, 'the tree': whole.length - 4096 };
    for (const [place, offset] of Object.entries(places)) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(offset) ^ 1, offset);
      writeFileSync(file, flipped);
      t.notOk(verify(file, tree.rootHash, tree.hashOffset), `a bit of ${place} was flipped`);
    }
  });
}

t.test('the same content gets the same tree, other content another salt', async (t) => {
  const trees: { rootHash: string; salt: string; bytes: Buffer }[] = [];
  for (const size of [10_000, 10_000, 10_001]) {
    const file = path.join(folder, 'image');
    writeFileSync(file, content(size));
    const { rootHash, salt } = await appendVerityTree(file);
    trees.push({ rootHash, salt, bytes: readFileSync(file) });
  }
  t.same(trees[0], trees[1]);
  t.not(trees[0]?.salt, trees[2]?.salt);
});
