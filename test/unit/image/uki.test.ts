// Unified kernel images and disk images: read back with other people's tools, and with the rules of the formats.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildArtifacts } from '../../../lib/image/artifacts.js';
import { buildDiskImage } from '../../../lib/image/disk-image.js';
import { buildInitramfs } from '../../../lib/image/initramfs.js';
import { ROOT_LABEL } from '../../../lib/image/partitions.js';
import { repositoryRoot } from '../../../lib/image/paths.js';
import { parsePe, writeWithSections } from '../../../lib/image/pe.js';
import { stableGuid } from '../../../lib/image/stable-guid.js';
import { buildUki, EFI_ARCHITECTURES, kernelRelease } from '../../../lib/image/uki.js';

const MIB = 1024 * 1024;
const onProgress = () => {};
const folder = t.testdir();
const arch = 'amd64';
const artifacts = await buildArtifacts({ arch, onProgress });
const osRelease = 'ID=talos\nPRETTY_NAME="Talos (test)"\n';
const commandLine = ['console=ttyS0', 'panic=10'];
const { kernel, kernelConfig, rootImage } = artifacts;
// That of a disk, whose root image has a partition.
const initramfs = await buildInitramfs(repositoryRoot(), arch, undefined, onProgress);
const uki = await buildUki({ arch, kernel, kernelConfig, initramfs, osRelease, commandLine, onProgress });
const timeSeconds = 1_700_000_000;
const disk = await buildDiskImage({ arch, uki: uki.file, rootImage, timeSeconds, onProgress });
const bytes = readFileSync(uki.file);
const facts = parsePe(bytes);
const content = (name: string) => {
  const section = facts.sections.find((each) => each.name === name);
  return section && bytes.subarray(section.fileOffset, section.fileOffset + section.size);
};
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, MTOOLSRC: '/dev/null', TZ: 'UTC' };
const tool = (name: string, ...words: string[]) => execFileSync(name, words, { encoding: 'utf8', env: environment });

t.test('the sections hold what was given', async (t) => {
  t.equal(content('.osrel')?.toString(), osRelease);
  t.equal(content('.cmdline')?.toString(), 'console=ttyS0 panic=10');
  t.equal(content('.uname')?.toString(), kernelRelease(readFileSync(kernelConfig, 'utf8')));
  t.match(content('.uname')?.toString(), /^6\.12\.\d+/);
  t.ok(content('.linux')?.equals(readFileSync(kernel)));
  t.ok(content('.initrd')?.equals(readFileSync(initramfs)));
  t.match(content('.sbat')?.toString(), /^sbat,1,/, "the stub's own stays");
});

t.test('the rules of the format', async (t) => {
  t.match(facts, { machine: EFI_ARCHITECTURES.amd64.machine, subsystem: 10 });
  let [addressEnd, fileEnd] = [facts.headersSize, facts.headersSize];
  for (const section of facts.sections) {
    t.equal(section.address % facts.sectionAlignment, 0, `${section.name} is aligned in memory`);
    t.equal(section.fileOffset % facts.fileAlignment, 0, `${section.name} is aligned in the file`);
    t.ok(section.address >= addressEnd, `${section.name} comes after the one before in memory`);
    t.ok(section.fileOffset >= fileEnd, `${section.name} comes after the one before in the file`);
    t.ok(section.fileSize >= section.size, `${section.name} is whole`);
    [addressEnd, fileEnd] = [section.address + section.size, section.fileOffset + section.fileSize];
  }
  t.equal(facts.imageSize, Math.ceil(addressEnd / facts.sectionAlignment) * facts.sectionAlignment);
  t.equal(bytes.length, fileEnd, 'nothing behind the last section');
  t.equal(facts.sections.at(-1)?.name, '.linux');
  const names = facts.sections.map((section) => section.name);
  t.equal(new Set(names).size, names.length, 'no name twice');
  const stub = parsePe(readFileSync(uki.stub));
  t.same(facts.sections.slice(0, stub.sections.length), stub.sections, "the stub's sections are as they were");
});

t.test('objdump reads it as we do', async (t) => {
  const listed = tool('objdump', '--section-headers', uki.file);
  for (const { name, size } of facts.sections) {
    const found = new RegExp(`^\\s*\\d+ \\${name}\\s+([0-9a-f]+)`, 'm').exec(listed)?.[1];
    t.equal(Number.parseInt(found ?? '', 16), size, name);
  }
});

t.test('the stub of arm64 takes sections too', async (t) => {
  const request = {
    arch: 'arm64',
    kernel,
    kernelConfig,
    initramfs: kernel,
    osRelease,
    commandLine,
    onProgress,
  } as const;
  const file = readFileSync((await buildUki(request)).file);
  t.match(parsePe(file), { machine: EFI_ARCHITECTURES.arm64.machine, subsystem: 10 });
  t.equal(parsePe(file).sections.at(-1)?.name, '.linux');
});

t.test('what is no stub is refused', async (t) => {
  const output = path.join(folder, 'refused');
  const stub = readFileSync(uki.stub);
  const add = (base: Buffer, name = '.x') => writeWithSections(base, [{ name, content: Buffer.from('x') }], output);
  await t.rejects(add(Buffer.alloc(10)), /does not begin with MZ/);
  await t.rejects(add(stub.subarray(0, 100)), /cut short/);
  await t.rejects(add(Buffer.concat([stub.subarray(0, 0x40), Buffer.alloc(2000)])), /no PE header/);
  await t.rejects(add(stub, '.much-too-long'), /too long/);
  const many = Array.from({ length: 60 }, (_, at) => ({ name: `.${at}`, content: Buffer.from('x') }));
  await t.rejects(writeWithSections(stub, many, output), /no room for 60 more/);
  t.throws(() => kernelRelease('nothing of the kind'), /names no version/);
});

t.test('the disk: two whole tables, two partitions, fixed names', async (t) => {
  t.match(tool('sgdisk', '--verify', disk), /No problems found/);
  const partition = tool('sgdisk', '--info=1', disk);
  t.match(partition, /C12A7328-F81F-11D2-BA4B-00A0C93EC93B/, 'an EFI system partition');
  t.match(partition, /First sector: 2048 /);
  const root = tool('sgdisk', '--info=2', disk);
  t.match(root, new RegExp(`Partition name: '${ROOT_LABEL}'`));
  t.match(root, /Attribute flags: 1000000000000000/, 'only read');
  const image = readFileSync(disk);
  const at = Number(/First sector: (\d+) /.exec(root)?.[1]) * 512;
  const wanted = readFileSync(rootImage);
  t.ok(image.subarray(at, at + wanted.length).equals(wanted), 'the root image, from its first byte to its last');
  t.equal(image.readUInt16LE(510), 0xaa55);
  t.equal(image.readUInt8(450), 0xee, 'a protective MBR');
  t.equal(image.toString('latin1', 512, 520), 'EFI PART');
  t.equal(
    image.toString('latin1', image.length - 512, image.length - 504),
    'EFI PART',
    'the second table is at the end',
  );
  t.match(stableGuid('x', 'y'), /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
  t.not(stableGuid('x', 'y'), stableGuid('xy'));
});

t.test('the EFI system partition: sound, and one file where firmware looks', async (t) => {
  const esp = path.join(folder, 'esp.img');
  tool('dd', `if=${disk}`, `of=${esp}`, `bs=${MIB}`, 'skip=1', 'count=128', 'conv=sparse', 'status=none');
  t.match(tool('fsck.vfat', '-n', esp), /: \d+ files, /);
  const listed = tool('mdir', '-i', esp, '-/', '-b', '::').trim().split('\n');
  t.same(listed, ['::/EFI/', '::/EFI/BOOT/', '::/EFI/BOOT/BOOTX64.EFI']);
  const copy = path.join(folder, 'copy.efi');
  tool('mcopy', '-i', esp, '::/EFI/BOOT/BOOTX64.EFI', copy);
  t.ok(readFileSync(copy).equals(bytes));
  t.match(
    tool('mdir', '-i', esp, '::/EFI/BOOT'),
    /BOOTX64\s+EFI\s+\d+ 2023-11-14\s+22:13/,
    'its time is the given one',
  );
  const full = bytes.length + statSync(rootImage).size;
  t.ok(statSync(disk).blocks * 512 < full + 4 * MIB, 'what is empty takes no room');
});
