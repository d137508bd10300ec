/**
 * stage0 with a root image that is missing, cut off or changed: the reason is on the console, and `panic=` decides what comes next. The
 * image is a small one, whose init says that it runs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compileStaticProgram } from '../../lib/image/compile.js';
import { type CpioEntry, writeCpio } from '../../lib/image/cpio.js';
import { buildStage0 } from '../../lib/image/initramfs.js';
import { buildKernel } from '../../lib/image/kernel.js';
import { repositoryRoot } from '../../lib/image/paths.js';
import { appendVerityTree } from '../../lib/image/verity.js';
import { testArchitecture } from '../helpers/architecture.js';
import { bareDisk, bareMachine, bareMachineWords } from '../helpers/bare-machine.js';
import { seconds } from '../helpers/deadline.js';

const root = repositoryRoot();
const quiet = () => {};
const { image: kernel } = await buildKernel(root, testArchitecture, 'default', quiet);
const stage0 = await buildStage0(root, testArchitecture, quiet);
const folder = t.testdir();
const init: CpioEntry = { kind: 'file', path: 'init', mode: 0o755, file: stage0 };
const SECTOR_BYTES = 512;
const DATA_BYTES = 2 * 1024 * 1024;

function run(command: string, ...argv: string[]): void {
  const { status, stderr, error } = spawnSync(command, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}

/** A root image with an init and a file of noise, and what stage0 must be told to trust it. */
async function makeImage() {
  const tree = path.join(folder, 'tree');
  for (const name of ['dev', 'proc', 'sys', 'sbin']) mkdirSync(path.join(tree, name), { recursive: true });
  const source = path.join(root, 'test', 'fixtures', 'stage0-init.cc');
  await compileStaticProgram(testArchitecture, [source], [], path.join(tree, 'sbin', 'init'));
  writeFileSync(path.join(tree, 'data'), randomBytes(DATA_BYTES));
  const file = path.join(folder, 'root.img');
  run('mksquashfs', tree, file, '-noappend', '-no-progress', '-all-root', '-comp', 'lz4');
  return { file, ...(await appendVerityTree(file)) };
}

const image = await makeImage();

/** The image, changed. */
function changed(name: string, change: (bytes: Buffer) => void): string {
  const file = path.join(folder, name);
  const bytes = readFileSync(image.file);
  change(bytes);
  writeFileSync(file, bytes);
  return file;
}

function flip(bytes: Buffer, offset: number): void {
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
}

interface Boot {
  /** /rootfs.img of the initramfs. */
  image?: string;
  disk?: string;
  parameters: string;
  memoryMib?: number;
  last?: RegExp;
}

/** Boots until QEMU ends, which a restart makes it do, or until `last` is on the console. */
async function boot(
  name: string,
  { image, disk, parameters, memoryMib = 512, last = /restarting now[\s\S]*restarting now/ }: Boot,
) {
  const initramfs = path.join(folder, `${name}.cpio`);
  const files: CpioEntry[] =
    image === undefined ? [] : [{ kind: 'file', path: 'rootfs.img', mode: 0o644, file: image }];
  await writeCpio(initramfs, [init, ...files]);
  const drive =
    disk === undefined
      ? []
      : ['-drive', `if=none,id=root,format=raw,file=${disk}`, '-device', `${bareDisk},drive=root`];
  const args = [
    ...bareMachineWords,
    ...['-serial', 'stdio', '-m', `${memoryMib}M`],
    ...drive,
    '-kernel',
    kernel,
    '-initrd',
    initramfs,
  ];
  const qemu = spawn(bareMachine.qemu, [...args, '-append', `console=${bareMachine.console} ${parameters}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => qemu.kill('SIGKILL'));
  const timer = setTimeout(() => qemu.kill('SIGKILL'), seconds(60));
  let console = '';
  let isEnded = false;
  for await (const text of qemu.stdout.setEncoding('utf8')) {
    console += text;
    if (last.test(console)) break;
  }
  // A restart and the end of the console may come in either order.
  await new Promise<void>((resolve) => {
    const grace = setTimeout(resolve, seconds(3));
    const ended = () => {
      isEnded = true;
      clearTimeout(grace);
      resolve();
    };
    if (qemu.exitCode === null) qemu.once('exit', ended);
    else ended();
  });
  clearTimeout(timer);
  qemu.kill('SIGKILL');
  return { console, isEnded };
}

/** A disk whose only partition holds the image. */
function makeDisk(name: string, partition: string): string {
  const disk = path.join(folder, name);
  const first = 2048;
  writeFileSync(disk, Buffer.concat([Buffer.alloc(first * SECTOR_BYTES), readFileSync(image.file)]));
  truncateSync(disk, 8 * 1024 * 1024);
  run('sgdisk', `--new=1:${first}:0`, `--change-name=1:${partition}`, disk);
  return disk;
}

const trusted = `roothash=${image.rootHash} panic=-1`;
const RUNS = new RegExp(`init of the image runs, ${DATA_BYTES} bytes read`);

t.test('an image that is as it was built', async (t) => {
  const { console } = await boot('intact', { image: image.file, parameters: trusted, last: RUNS });
  t.match(console, RUNS);
  t.match(console, new RegExp(`stage0: dm-verity checks the root image, root hash ${image.rootHash}`));
  t.match(console, /stage0: root image mounted read-only: squashfs/);
});

t.test('an image in a partition', async (t) => {
  const disk = makeDisk('disk', 'talos-root');
  const parameters = `root=PARTLABEL=talos-root loglevel=6 ${trusted}`;
  const { console } = await boot('partition', { disk, parameters, last: RUNS });
  t.match(console, RUNS);
  t.match(console, /Linux version/, 'the console is quiet until stage0 runs, but for what is more than information');
  t.notMatch(console, /Run \/init as init process/);
  t.match(console, /stage0: root image mounted read-only: squashfs/, 'and then it is as usual');
});

t.test('no such partition: named, after ten seconds', async (t) => {
  const disk = makeDisk('other', 'other');
  const { console, isEnded } = await boot('nowhere', { disk, parameters: `root=PARTLABEL=talos-root ${trusted}` });
  t.match(console, /stage0: waiting for the partition talos-root/);
  t.match(console, /cannot boot: find the root partition: no disk has a partition called talos-root/);
  t.ok(isEnded, 'the machine restarted');
});

t.test('a bit of the data was flipped: the kernel says which block, and panics', async (t) => {
  // In the noise, which nothing reads before init does.
  const block = Math.floor(image.dataBlocks / 2);
  const file = changed('flipped', (bytes) => flip(bytes, block * 4096 + 17));
  const last = /Kernel panic - not syncing: dm-verity device corrupted/;
  const { console, isEnded } = await boot('flipped', { image: file, parameters: trusted, last });
  t.match(console, new RegExp(`data block ${block} is corrupted`));
  t.match(console, last);
  t.notMatch(console, RUNS);
  t.ok(isEnded, 'the machine restarted');
});

t.test('images and parameters that are not trusted: one sentence says why', async (t) => {
  const cases: Record<string, { image: string; parameters?: string; reason: RegExp }> = {
    'a bit of the tree': {
      image: changed('tree-flipped', (bytes) => flip(bytes, image.hashOffset + 4096)),
      reason: /it does not fit roothash=, it was changed or belongs to another command line/,
    },
    'a bit of the head': {
      image: changed('head-flipped', (bytes) => flip(bytes, 8)),
      reason: /it does not fit roothash=, it was changed or belongs to another command line/,
    },
    'another root hash': {
      image: image.file,
      parameters: `roothash=${'ab'.repeat(32)} panic=-1`,
      reason: /it does not fit roothash=/,
    },
    'no root hash': {
      image: image.file,
      parameters: 'panic=-1',
      reason: /roothash= is missing on the kernel command line/,
    },
    'a root hash that is none': {
      image: image.file,
      parameters: 'roothash=abc panic=-1',
      reason: /roothash= is no SHA-256 in lower-case hexadecimal: abc/,
    },
    'a truncated image': {
      image: changed('whole', () => {}),
      reason: /there is no hash tree behind it, it was cut off or changed/,
    },
    'another root=': {
      image: image.file,
      parameters: `root=/dev/vda1 ${trusted}`,
      reason: /root= is no PARTLABEL=NAME: \/dev\/vda1/,
    },
    'a name of a partition that is none': {
      image: image.file,
      parameters: `root=PARTLABEL= ${trusted}`,
      reason: /root= is no PARTLABEL=NAME: PARTLABEL=/,
    },
  };
  truncateSync(path.join(folder, 'whole'), image.hashOffset - 4096);
  for (const [name, { image, parameters = trusted, reason }] of Object.entries(cases)) {
    const { console, isEnded } = await boot(name.replaceAll(' ', '-'), { image, parameters });
    t.match(console, reason, name);
    t.match(console, /stage0: cannot boot: [^\n]*\r?\n[^\n]*restarting now/, `${name}: and nothing else`);
    t.ok(isEnded, `${name}: the machine restarted`);
  }
});

t.test('a machine with too little memory', async (t) => {
  const { console, isEnded } = await boot('small', { image: image.file, parameters: trusted, memoryMib: 256 });
  t.match(
    console,
    /stage0: cannot boot: work with so little memory: 2\d\d MiB, a node needs 400 \(a machine of 512 MiB\)/,
  );
  t.ok(isEnded, 'the machine restarted');
});

t.test('no root image: restarts after the countdown', async (t) => {
  const { console, isEnded } = await boot('missing', { parameters: 'panic=2' });
  t.match(console, /stage0: cannot boot: open the root image \/rootfs.img: No such file or directory/);
  t.match(console, /stage0: restarting in 2 s/);
  t.match(console, /stage0: restarting in 1 s/);
  t.ok(isEnded, 'the machine restarted');
});

t.test('a root image that is none, and nobody wants a restart', async (t) => {
  const file = path.join(folder, 'garbage');
  writeFileSync(file, 'x'.repeat(5000));
  const { console, isEnded } = await boot('garbage', {
    image: file,
    parameters: 'panic=0',
    last: /waiting for a person/,
  });
  t.match(console, /stage0: cannot boot: recognise the root image \/rootfs.img/);
  t.notOk(isEnded, 'the machine waits');
});
