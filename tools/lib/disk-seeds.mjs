// Seeds for the fuzzers of superblocks and partition tables: the beginnings of what the real tools make, with fixed identifiers.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const UUID = '01234567-89ab-4cde-8f01-23456789abcd';
const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * What makes each file system, on an image of that size (none: the tool makes the file), and how much of it is looked at.
 * @type {Record<string, {size?: number, kept: number, argv: (image: string, tree: string) => string[]}>}
 */
const superblocks = {
  ext4: {
    size: 4 * MIB,
    kept: 2 * KIB,
    argv: (image) => ['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'TALOS', '-U', UUID, image],
  },
  ext2: { size: 4 * MIB, kept: 2 * KIB, argv: (image) => ['mke2fs', '-q', '-F', '-t', 'ext2', '-U', UUID, image] },
  xfs: {
    size: 300 * MIB,
    kept: 512,
    argv: (image) => ['mkfs.xfs', '-q', '-L', 'talos', '-m', `uuid=${UUID}`, image],
  },
  fat12: {
    size: 4 * MIB,
    kept: 512,
    argv: (image) => ['mkfs.vfat', '-F', '12', '-i', '01234567', '-n', 'BOOT', image],
  },
  fat16: { size: 16 * MIB, kept: 512, argv: (image) => ['mkfs.vfat', '-F', '16', '-i', '01234567', image] },
  fat32: {
    size: 40 * MIB,
    kept: 512,
    argv: (image) => ['mkfs.vfat', '-F', '32', '-i', '01234567', '-n', 'EFI', image],
  },
  squashfs: {
    kept: 96,
    argv: (image, tree) => ['mksquashfs', tree, image, '-quiet', '-no-progress', '-mkfs-time', '0'],
  },
  erofs: { kept: 4 * KIB, argv: (image, tree) => ['mkfs.erofs', '-T', '0', '-U', UUID, image, tree] },
  swap: { size: 64 * KIB, kept: 4 * KIB, argv: (image) => ['mkswap', '-L', 'swap', '-U', UUID, image] },
};

function run([program, ...argv]) {
  const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  execFileSync(program, argv, { stdio: 'pipe', env: { ...process.env, PATH } });
}

function emptyImage(file, size) {
  writeFileSync(file, '');
  truncateSync(file, size);
}

function firstBytes(file, count) {
  const bytes = Buffer.alloc(count);
  const fd = openSync(file, 'r');
  const got = readSync(fd, bytes, 0, count, 0);
  closeSync(fd);
  return bytes.subarray(0, got);
}

/** Two partitions on 96 KiB: by the first byte, a zero, the fuzzer takes sectors of 512 bytes. */
function partitionTables(folder) {
  const image = path.join(folder, 'disk');
  emptyImage(image, 96 * KIB);
  const first = ['-n', '1:34:60', '-c', '1:STATE', '-u', `1:${UUID}`];
  const second = ['-n', '2:61:90', '-t', '2:8300', '-A', '2:set:60', '-u', `2:${UUID.replace('01', '02')}`];
  run(['sgdisk', '-a', '1', '-U', UUID, ...first, ...second, image]);
  const whole = Buffer.concat([Buffer.alloc(1), readFileSync(image)]);
  const damaged = Buffer.from(whole);
  damaged.write('X', 1 + 600);
  return { 'two-partitions': whole, 'cut-off': whole.subarray(0, 20_001), 'backup-only': damaged };
}

/** Contents of the seeds by target and name. Needs the tools of the file systems, as the tests of the block module do. */
export function makeDiskSeeds() {
  const folder = mkdtempSync(path.join(tmpdir(), 'talos-seeds-'));
  try {
    const tree = path.join(folder, 'tree');
    mkdirSync(tree);
    writeFileSync(path.join(tree, 'file'), 'content\n');
    const superblock = {};
    for (const [name, { size, kept, argv }] of Object.entries(superblocks)) {
      const image = path.join(folder, name);
      if (size !== undefined) emptyImage(image, size);
      run(argv(image, tree));
      superblock[name] = firstBytes(image, kept);
    }
    return { superblock, gpt: partitionTables(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
