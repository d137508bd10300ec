import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compileStaticProgram, stage0Sources } from '../../../lib/image/compile.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

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

t.test('which file system an image has', async (t) => {
  const image = path.join(folder, 'image');
  const typeOf = (content: Buffer) => {
    writeFileSync(image, content);
    return ask('type', image);
  };
  const erofs = Buffer.alloc(4096);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  t.equal(typeOf(Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(4096)])), 'squashfs');
  t.equal(typeOf(erofs), 'erofs');
  t.equal(typeOf(erofs.subarray(0, 1027)), '', 'cut short');
  t.equal(typeOf(Buffer.alloc(4096)), '');
  t.equal(typeOf(Buffer.alloc(0)), '');
});
