import { join } from 'node:path';
import t from 'tap';
import type { CgroupStats, FileDescriptor } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';
import { serviceUsage } from '../../../lib/os/service-usage.js';

/** Folders of the host stand for groups; what is counted in them is made up. The real thing is seen on a booted node. */
t.test('init and the services that have processes, in one call, nothing left open', async (t) => {
  const { files } = loadNative();
  const root = t.testdir({
    init: {},
    system: { osd: {}, 'cgroup.procs': '', machined: {}, stopped: {} },
    podruntime: { kubelet: {}, shim: {} },
    kubepods: {},
  });
  const calls: FileDescriptor[][] = [];
  const given: CgroupStats[] = [
    { memoryBytes: 10, pids: 1, cpu: { usageUsec: 7 } as CgroupStats['cpu'] & object },
    { memoryBytes: 50, pids: 1, cpu: { usageUsec: 9 } as CgroupStats['cpu'] & object },
    { memoryBytes: 20, pids: 2, cpu: { usageUsec: 8 } as CgroupStats['cpu'] & object },
    { pids: 3 },
    { memoryBytes: 40, pids: 0 },
  ];
  const cgroup = {
    stats: (groups: readonly FileDescriptor[]) => {
      t.ok(groups.every(({ isOpen }) => isOpen));
      calls.push([...groups]);
      return given;
    },
  };
  t.strictSame(await serviceUsage({ files, cgroup }, root), [
    { id: 'init', memoryBytes: 10, cpuUsec: 7 },
    { id: 'kubelet', memoryBytes: 50, cpuUsec: 9 },
    { id: 'machined', memoryBytes: 20, cpuUsec: 8 },
    { id: 'osd', memoryBytes: 0, cpuUsec: 0 },
  ]);
  t.equal(calls.length, 1);
  t.equal(calls[0]?.length, 5);
  t.notOk(calls[0]?.some(({ isOpen }) => isOpen));
  await t.rejects(serviceUsage({ files, cgroup }, join(root, 'none')), { code: 'ENOENT' });
});
