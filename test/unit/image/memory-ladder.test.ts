/** Who is killed when a node runs out of memory, and who keeps how much of it: the definitions of the root image against a table. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { MIB } from '../../../lib/base/units.js';
import { parseDefinition } from '../../../lib/init/definition.js';
import { parseContainerDefinition } from '../../../lib/machined/containers/definition.js';
import { FIXED_GROUPS } from '../../../lib/os/cgroup-tree.js';
import { checkout } from '../../helpers/checkout.js';

/** What the kubelet gives a container of a Guaranteed or a critical pod: of all pods' the lowest (its pkg/kubelet/qos). */
const LOWEST_OF_PODS = -997;

/** Rank and memory.min (MiB), as docs/containers.md has them. */
const LADDER: Readonly<Record<string, readonly [oomScoreAdj: number, minMiB: number]>> = {
  machined: [-999, 32],
  containerd: [-999, 80],
  kubelet: [-999, 64],
  osd: [-998, 24],
  networkd: [-998, 16],
  trustd: [-998, 16],
  proxyd: [-998, 16],
  blockd: [-998, 16],
};

const folder = join(checkout, 'rootfs/files/usr/share/talos');
/** Of an image that has Kubernetes. */
const kubernetes = join(checkout, 'rootfs/kubernetes/files/usr/share/talos');
const read = (kind: string, parent = folder) =>
  readdirSync(join(parent, kind)).map((file) => ({
    name: file.slice(0, -'.json'.length),
    text: readFileSync(join(parent, kind, file), 'utf8'),
  }));
const services = [...read('services'), ...read('services', kubernetes)].map(({ name, text }) =>
  parseDefinition(name, text),
);
const containers = read('containers').map(({ name, text }) => parseContainerDefinition(name, text));
const of = (path: string) => FIXED_GROUPS.find((group) => group.path === path)?.limits;

t.test('the table is what the image has', async (t) => {
  const found = [
    ...services.map(({ id, oomScoreAdj, cgroup }) => [id, [oomScoreAdj, (cgroup.memoryMin ?? 0) / MIB]]),
    ...containers.map(({ id, oomScoreAdj, memoryMinBytes }) => [id, [oomScoreAdj, memoryMinBytes / MIB]]),
  ];
  t.same(Object.fromEntries(found), LADDER);
});

t.test(
  'every service comes behind every pod, and can be killed itself where it is the one that takes all',
  async (t) => {
    for (const { id, oomScoreAdj } of [...services, ...containers]) {
      t.ok(oomScoreAdj < LOWEST_OF_PODS && oomScoreAdj > -1000, id);
    }
  },
);

t.test('what services keep is within what their group keeps', async (t) => {
  const inSystem = [
    ...services.filter(({ group }) => group === undefined).map(({ cgroup }) => cgroup.memoryMin ?? 0),
    ...containers.map(({ memoryMinBytes }) => memoryMinBytes),
  ];
  t.ok(inSystem.reduce((sum, bytes) => sum + bytes, 0) <= (of('system')?.memoryMin ?? 0));
  const runtime = services.filter(({ group }) => group?.startsWith('podruntime/'));
  const inRuntime = runtime.reduce((sum, { cgroup }) => sum + (cgroup.memoryMin ?? 0), 0);
  t.ok(inRuntime + (of('podruntime/shim')?.memoryMin ?? 0) <= (of('podruntime')?.memoryMin ?? 0));
});
