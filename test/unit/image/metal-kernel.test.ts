// What the machines of docs/kernel.md need beside the driver that their row of a fragment names. The build starts from nothing, so what a
// kernel usually has without being asked is missing until somebody says so, and only the machine would show it.
import t from 'tap';
import { parseConfig } from '../../../lib/image/kernel-config.js';
import { seconds } from '../../helpers/deadline.js';
import { type ShippedKernel, shippedKernels } from '../../helpers/shipped-kernels.js';

// The first run unpacks what configures a kernel.
t.setTimeout(seconds(118));

const metal = (await shippedKernels()).filter(({ profile }) => profile === 'metal');

/** Options that are there, and off. */
function off({ config }: ShippedKernel, name: RegExp): string[] {
  return [...parseConfig(config)]
    .filter(([option, value]) => value === 'n' && name.test(option))
    .map(([option]) => option);
}

/** Of a machine, what is not on. */
function missing({ config }: ShippedKernel, options: string): string[] {
  const arrived = parseConfig(config);
  return options.split(/\s+/).filter((option) => arrived.get(`CONFIG_${option}`) !== 'y');
}

t.test('no fault of a processor is left alone', async (t) => {
  for (const kernel of metal) {
    // Erratum UNKNOWN1 is that of a board which the profile does not have.
    t.same(off(kernel, /ERRAT(UM|A)(?!_UNKNOWN)|_PREITS$/), [], `${kernel.arch}: an erratum of this source`);
    t.same(off(kernel, /^CONFIG_MITIGATION_(?!CALL_DEPTH_TRACKING)/), [], `${kernel.arch}: a mitigation`);
  }
});

t.test('machines, and what each needs', async (t) => {
  const own: Record<string, Record<string, string>> = {
    arm64: {
      'devices that do not reach all memory': 'ZONE_DMA ZONE_DMA32 SWIOTLB',
      'servers with many processors': 'ARM64_USE_LSE_ATOMICS ARM64_RAS_EXTN',
    },
  };
  for (const kernel of metal) {
    for (const [machine, options] of Object.entries(own[kernel.arch] ?? {})) {
      t.same(missing(kernel, options), [], `${kernel.arch}: ${machine}`);
    }
  }
});
