/** The source `debian-source`: a release built from Debian's source package, its images made from what was built. */
import path from 'node:path';
import type { KubernetesRelease } from '../../kube/release.js';
import { buildComponentImages } from './component-images.js';
import { type DebianPins, readDebianPins } from './debian-pins.js';
import { buildPrograms } from './go-build.js';
import { linkedModules } from './go-modules.js';
import type { GoModule, KubernetesSource } from './source.js';

/** @param root  the checkout */
export function debianSource(root: string, { version }: KubernetesRelease): KubernetesSource {
  return {
    kind: 'debian-source',
    artifacts: async (arch, onProgress) => {
      const pins = await readDebianPins(root, version);
      const programs = await buildPrograms(pins, version, arch, onProgress);
      const { archives, packages, folder } = await buildComponentImages({ root, arch, programs, onProgress });
      const { package: name, version: packageVersion } = pins.source;
      return {
        identity: [programs, folder].map((each) => path.basename(each)),
        programs: { kubelet: path.join(programs, 'kubelet'), kubeadm: path.join(programs, 'kubeadm') },
        archives,
        origin: `built from the Debian source package ${name} ${packageVersion}`,
        packages,
        modules: [standardLibrary(pins), ...(await linkedModules(pins, onProgress))],
      };
    },
  };
}

/** What the compiler links into every program: scanners know it by this name. */
function standardLibrary({ go }: DebianPins): GoModule {
  const version = go.packages[0]?.version.replace(/-[^-]*$/, '') ?? '';
  return { name: 'stdlib', version: `v${version}` };
}
