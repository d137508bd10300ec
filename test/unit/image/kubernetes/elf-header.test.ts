import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compileStaticProgram } from '../../../../lib/image/compile.js';
import { readElfHeader } from '../../../../lib/image/kubernetes/elf-header.js';
import { checkout } from '../../../helpers/checkout.js';
import { elfProgram } from '../../../helpers/elf-program.js';

t.test('programs of this machine', async (t) => {
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  const own = await readElfHeader(process.execPath);
  t.equal(own.machine, arch);
  t.match(own.interpreter, /ld-linux/, 'Node is dynamic');
  const folder = t.testdir();
  const pause = path.join(folder, 'pause');
  await compileStaticProgram(arch, [path.join(checkout, 'native/pause/pause.cc')], [], pause);
  t.same(await readElfHeader(pause), { machine: arch, interpreter: undefined });
});

t.test('made ones', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'program');
  for (const [machine, name] of [
    [62, 'amd64'],
    [183, 'arm64'],
    [243, undefined],
  ] as const) {
    writeFileSync(file, elfProgram({ machine }));
    t.same(await readElfHeader(file), { machine: name, interpreter: undefined });
  }
  writeFileSync(file, elfProgram({ machine: 62, interpreter: '/lib/loader' }));
  t.same(await readElfHeader(file), { machine: 'amd64', interpreter: '/lib/loader' });
});

t.test('what is no program', async (t) => {
  const folder = t.testdir({ empty: '', script: '#!/bin/sh\n', short: '\x7fELF' });
  const program = elfProgram({ machine: 62 });
  // A relocatable object, 32 bits, big-endian.
  const changes: readonly [string, number, number][] = [
    ['object', 16, 1],
    ['small', 4, 1],
    ['swapped', 5, 2],
  ];
  for (const [name, at, value] of changes) {
    const changed = Buffer.from(program);
    changed[at] = value;
    writeFileSync(path.join(folder, name), changed);
  }
  for (const name of ['empty', 'script', 'short', ...changes.map(([name]) => name)]) {
    await t.rejects(readElfHeader(path.join(folder, name)), {
      code: 'ERR_ELF',
      message: new RegExp(`${name} is no program`),
    });
  }
  const wild = Buffer.from(program);
  wild.writeBigUInt64LE(1n << 40n, 32);
  writeFileSync(path.join(folder, 'wild'), wild);
  await t.rejects(readElfHeader(path.join(folder, 'wild')), {
    code: 'ERR_ELF',
    message: /program headers where no linker/,
  });
});
