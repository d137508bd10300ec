import t from 'tap';
import { parseCpuInfo } from '../../../../lib/os/proc/cpuinfo.js';
import { fixture } from './fixtures.js';

t.test('x86_64', async (t) => {
  const processors = parseCpuInfo(fixture('x86_64', 'cpuinfo'));
  t.equal(processors.length, 2);
  t.match(processors[1], {
    ...{ processor: 1, vendorId: 'AuthenticAMD', cpuFamily: '6', model: '6', stepping: '3', microcode: '0x1000065' },
    ...{ modelName: 'QEMU TCG CPU version 2.5+', cpuMhz: 2596.1, cacheSize: '512 KB', physicalId: '0', siblings: 2 },
    ...{ coreId: '1', cpuCores: 2, apicId: '1', initialApicId: '1', fpu: 'yes', fpuException: 'yes', cpuIdLevel: 13 },
    ...{ wp: 'yes', bogoMips: 5186.95, clFlushSize: 64, cacheAlignment: 64, powerManagement: '' },
    ...{ addressSizes: '40 bits physical, 57 bits virtual' },
  });
  t.strictSame(processors[0]?.bugs, 'sysret_ss_attrs null_seg spectre_v1 spectre_v2 spec_store_bypass'.split(' '));
  t.ok(processors[0]?.flags.includes('sse2'));
});

t.test('arm64: its own fields in the places of the others', async (t) => {
  const processors = parseCpuInfo(fixture('arm64', 'cpuinfo'));
  t.equal(processors.length, 2);
  t.match(processors[1], {
    ...{ processor: 1, vendorId: '0x00', cpuFamily: '8', model: '0x051', stepping: 'r0p0', bogoMips: 2000 },
    ...{ modelName: '', cpuMhz: 0, bugs: [] },
  });
  t.strictSame(processors[0]?.flags.slice(0, 3), ['fp', 'asimd', 'aes']);
});

t.test('a paragraph that is no processor', async (t) => {
  t.strictSame(parseCpuInfo('Hardware : something\nSerial : 0\n'), []);
  t.strictSame(parseCpuInfo(''), []);
});
