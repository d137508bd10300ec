import t from 'tap';
import { parseMeminfo } from '../../../../lib/os/proc/meminfo.js';
import { fixture } from './fixtures.js';

t.test('x86_64', async (t) => {
  const values = parseMeminfo(fixture('x86_64', 'meminfo'));
  t.equal(Object.keys(values).length, 48);
  t.match(values, {
    ...{ memtotal: 2_042_380, memfree: 1_938_972, memavailable: 1_932_716, cached: 61_756, active: 360 },
    ...{ activeanon: 360, inactivefile: 54_364, hugepagestotal: 0, directmap4k: 12_160, directmap2m: 2_084_864 },
  });
});

t.test('arm64: no direct map is counted', async (t) => {
  t.match(parseMeminfo(fixture('arm64', 'meminfo')), {
    ...{ memtotal: 2_041_384, sreclaimable: 712, sunreclaim: 10_428, kernelstack: 944, pagetables: 520 },
    ...{ committedas: 61_420, commitlimit: 1_020_692, vmalloctotal: 135_288_315_904, shmem: 6628 },
    ...{ hugepagesize: 2048, directmap4k: 0, nfsunstable: 0, hardwarecorrupted: 0 },
  });
});

t.test('what it does not know is left out', async (t) => {
  const values = parseMeminfo('MemTotal: 7 kB\nNewThing: 8 kB\nnonsense\n\n__proto__: 3 kB\n');
  t.equal(values.memtotal, 7);
  t.equal(Object.keys(values).length, 48);
});
