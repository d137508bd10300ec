/** PID 1 of a namespace: the real one, without the phases and effects that would reach beyond the namespace. argv: services, cgroup. */
import { mkdirSync } from 'node:fs';
import type { BootContext } from '../../../lib/init/boot.js';
import { type LoadedDefinitions, loadDefinitions } from '../../../lib/init/load-definitions.js';
import { main } from '../../../lib/init/main.js';
import type { Phase } from '../../../lib/init/phases.js';
import { CgroupTree } from '../../../lib/os/cgroup-tree.js';
import { bringUpLoopback } from '../../../lib/os/network.js';

const [, , servicesFolder = '', cgroupRoot = ''] = process.argv;

function phases({ native, startServices }: BootContext): Phase[] {
  let definitions: LoadedDefinitions | undefined;
  let cgroups: CgroupTree | undefined;
  return [
    {
      name: 'definitions',
      isRequired: true,
      after: [],
      run: async () => {
        definitions = await loadDefinitions(servicesFolder);
      },
    },
    {
      name: 'cgroups',
      isRequired: true,
      after: [],
      run: () => {
        // A branch of the host's tree, made for this test and removed by it.
        mkdirSync(cgroupRoot);
        cgroups = CgroupTree.create(native.cgroup, { root: cgroupRoot });
      },
    },
    { name: 'loopback', isRequired: true, after: [], run: () => bringUpLoopback(native.netlink) },
    {
      name: 'services',
      isRequired: true,
      after: ['definitions', 'cgroups', 'loopback'],
      run: () => {
        if (definitions) startServices(definitions, cgroups);
      },
    },
  ];
}

void main({
  servicesFolder,
  phases,
  // Our mounts are copies of the host's, but the file systems in them are the host's own.
  effects: (real) => ({ ...real, sync: async () => {}, unmountAll: async () => [] }),
});
