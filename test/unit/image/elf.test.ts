import t from 'tap';
import { type ElfFacts, missingInElf, parseReadelf } from '../../../lib/image/elf.js';

const READELF = `
Program Headers:
  INTERP         0x000318 0x0000000000000318 0x0000000000000318 0x00001c 0x00001c R   0x1
      [Requesting program interpreter: /lib64/ld-linux-x86-64.so.2]

Dynamic section at offset 0x2df8 contains 26 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libstdc++.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000e (SONAME)             Library soname: [libx.so.1]

Version symbols section '.gnu.version' contains 9 entries:
  000:   0 (*local*)       2 (GLIBC_2.34)

Version definition section '.gnu.version_d' contains 2 entries:
  000000: Rev: 1  Flags: BASE  Index: 1  Cnt: 1  Name: libx.so.1
  0x001c: Rev: 1  Flags: none  Index: 2  Cnt: 1  Name: X_1.0

Version needs section '.gnu.version_r' contains 2 entries:
 Addr: 0x0000000000000510  Offset: 0x000510  Link: 7 (.dynstr)
  000000: Version: 1  File: libc.so.6  Cnt: 2
  0x0010:   Name: GLIBC_2.38  Flags: none  Version: 4
  0x0020:   Name: GLIBC_2.2.5  Flags: none  Version: 3
  0x0030:   Name: GLIBC_9.9  Flags: WEAK  Version: 5
  0x0040: Version: 1  File: libstdc++.so.6  Cnt: 1
  0x0050:   Name: GLIBCXX_3.4  Flags: none  Version: 2
`;

const facts = (change: Partial<ElfFacts>): ElfFacts => ({
  soname: undefined,
  needed: [],
  interpreter: undefined,
  defines: new Set(),
  requires: new Map(),
  ...change,
});

t.test('what readelf says', async (t) => {
  const found = parseReadelf(READELF);
  t.equal(found.interpreter, '/lib64/ld-linux-x86-64.so.2');
  t.equal(found.soname, 'libx.so.1');
  t.same(found.needed, ['libstdc++.so.6', 'libc.so.6']);
  t.same([...found.defines], ['libx.so.1', 'X_1.0']);
  t.same([...(found.requires.get('libc.so.6') ?? [])], ['GLIBC_2.38', 'GLIBC_2.2.5'], 'without the weak one');
  t.same([...(found.requires.get('libstdc++.so.6') ?? [])], ['GLIBCXX_3.4']);
});

t.test('a static program needs nothing', async (t) => {
  t.same(parseReadelf('There is no dynamic section in this file.\n'), facts({}));
});

t.test('files against each other', async (t) => {
  const libc = facts({ soname: 'libc.so.6', defines: new Set(['GLIBC_2.2.5']) });
  const program = facts({
    needed: ['libc.so.6'],
    interpreter: '/lib64/ld.so',
    requires: new Map([['libc.so.6', new Set(['GLIBC_2.2.5'])]]),
  });
  const paths = new Set(['/lib64/ld.so']);
  const both = new Map([
    ['/bin/p', program],
    ['/lib/libc.so.6', libc],
  ]);
  t.same(missingInElf(both, paths), []);
  t.same(missingInElf(new Map([['/bin/p', program]]), new Set()), [
    '/bin/p needs the loader /lib64/ld.so, which is not in the image',
    '/bin/p needs libc.so.6, which is not in the image',
  ]);
  const newer = facts({ needed: ['libc.so.6'], requires: new Map([['libc.so.6', new Set(['GLIBC_2.99'])]]) });
  t.same(missingInElf(new Map([...both, ['/lib/x.node', newer]]), paths), [
    "/lib/x.node needs GLIBC_2.99 of libc.so.6, which the image's does not have",
  ]);
});
