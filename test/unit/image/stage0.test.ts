import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compileStaticProgram, stage0Sources } from '../../../lib/image/compile.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { appendVerityTree, VERITY_BLOCK_BYTES } from '../../../lib/image/verity.js';

const root = repositoryRoot();
const folder = t.testdir();
const program = path.join(folder, 'check');
const parts = (await stage0Sources(root)).filter((file) => path.basename(file) !== 'main.cc');
const check = path.join(root, 'test', 'fixtures', 'stage0-check.cc');
await compileStaticProgram('amd64', [check, ...parts], [path.join(root, 'native')], program);
const ask = (...words: string[]) => execFileSync(program, words, { encoding: 'utf8' }).trim();

t.test('panic= of a command line; 99 stands for the default', async (t) => {
  const cases: Record<string, string> = {
    'console=ttyS0 panic=10': '10',
    'panic=0': '0',
    'panic=-1 quiet\n': '-1',
    'panic=5 x panic=7': '7',
    '': '99',
    quiet: '99',
    'panic=': '99',
    'panic=ten': '99',
    'panic=1x panic=3': '3',
    'xpanic=5 kernel.panic=6': '99',
    'panic=99999999999999999999': '99',
  };
  for (const [line, seconds] of Object.entries(cases)) t.equal(ask('panic', line), seconds, `"${line.trim()}"`);
});

t.test('the last word of a name counts', async (t) => {
  const cases: Record<string, string> = {
    'key=a key=b\n': 'b',
    'xkey=a': '(none)',
    'key=': '',
    'a.key=b key=c=d quiet': 'c=d',
  };
  for (const [line, value] of Object.entries(cases)) t.equal(ask('parameter', line), value, line);
});

t.test('the name of a partition in its uevent file', async (t) => {
  t.equal(ask('uevent', 'MAJOR=259\nDEVNAME=nvme0n1p2\nPARTN=2\nPARTNAME=talos root\n'), 'talos root');
  t.equal(ask('uevent', 'DEVNAME=sda\nDEVTYPE=disk\n'), '');
  t.equal(ask('uevent', 'XPARTNAME=a'), '');
});

t.test('a partition is there when it can be opened: the kernel lists it before that', async (t) => {
  const at = path.join(folder, 'partitions');
  const find = () => ask('partition', at);
  const list = (device: string, name: string) => {
    mkdirSync(path.join(at, 'class', device), { recursive: true });
    writeFileSync(path.join(at, 'class', device, 'uevent'), `DEVNAME=${device}\nPARTNAME=${name}\n`);
  };
  mkdirSync(path.join(at, 'dev'), { recursive: true });
  list('sda1', 'EFI');
  t.match(find(), /^0 /);
  list('sda2', 'talos-root');
  t.equal(find(), `1 No such file or directory${at}/dev/sda2`, 'listed, without a device file');
  writeFileSync(path.join(at, 'dev', 'sda2'), '');
  t.equal(find(), `1 open ${at}/dev/sda2`);
  list('sdb2', 'talos-root');
  t.match(find(), /^2 .*\/dev\/sd[ab]2 and .*\/dev\/sd[ab]2$/, 'no choice between two');
  rmSync(path.join(at, 'class', 'sdb2', 'uevent'));
  t.equal(find(), `1 open ${at}/dev/sda2`, 'one that has gone while they were looked at');
});

t.test('which file system an image has, and where it ends', async (t) => {
  const image = path.join(folder, 'image');
  const typeOf = (content: Buffer) => {
    writeFileSync(image, content);
    return ask('type', image);
  };
  const squashfs = Buffer.alloc(4096);
  squashfs.write('hsqs');
  squashfs.writeBigUInt64LE(8193n, 40);
  const erofs = Buffer.alloc(4096);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  erofs.writeUInt8(12, 1024 + 12);
  erofs.writeUInt32LE(7, 1024 + 36);
  t.equal(typeOf(squashfs), 'squashfs 12288');
  t.equal(typeOf(erofs), `erofs ${7 * 4096}`);
  t.equal(typeOf(erofs.subarray(0, 1027)), '', 'cut short');
  erofs.writeUInt8(63, 1024 + 12);
  t.equal(typeOf(erofs), '', 'blocks of no size');
  t.equal(typeOf(Buffer.alloc(4096)), '');
  t.equal(typeOf(Buffer.alloc(0)), '');
});

t.test('the superblock of a hash tree', async (t) => {
  const image = path.join(folder, 'tree');
  writeFileSync(image, Buffer.alloc(128 * VERITY_BLOCK_BYTES, 7));
  const { salt, hashOffset } = await appendVerityTree(image);
  const superblock = readFileSync(image).subarray(hashOffset, hashOffset + VERITY_BLOCK_BYTES);
  const read = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(superblock);
    change(bytes);
    writeFileSync(image, bytes);
    return ask('verity', image);
  };
  t.equal(
    read(() => {}),
    `128 129 ${salt}`,
  );
  const broken: Record<string, (bytes: Buffer) => void> = {
    'no signature': (bytes) => bytes.write('x'),
    'another version': (bytes) => bytes.writeUInt32LE(2, 8),
    'the hash type of Chrome OS': (bytes) => bytes.writeUInt32LE(0, 12),
    'another algorithm': (bytes) => bytes.write('sha512', 32),
    'a longer name of an algorithm': (bytes) => bytes.write('sha256x', 32),
    'other blocks of data': (bytes) => bytes.writeUInt32LE(1024, 64),
    'other blocks of hashes': (bytes) => bytes.writeUInt32LE(1024, 68),
    'fewer blocks than there are': (bytes) => bytes.writeBigUInt64LE(127n, 72),
    'more blocks than there are': (bytes) => bytes.writeBigUInt64LE(2n ** 63n, 72),
    'a salt that is too long': (bytes) => bytes.writeUInt16LE(257, 80),
  };
  for (const [name, change] of Object.entries(broken)) t.equal(read(change), '', name);
});
