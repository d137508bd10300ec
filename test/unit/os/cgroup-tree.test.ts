import { readFileSync } from 'node:fs';
import t from 'tap';
import type { CgroupLimits, CgroupModule, FileDescriptor } from '../../../lib/native/contract.js';
import { CgroupTree, cpuWeightOf, FIXED_GROUPS } from '../../../lib/os/cgroup-tree.js';

/** Groups in memory. */
class FakeCgroup implements Pick<CgroupModule, 'create' | 'setLimits' | 'enableControllers' | 'remove' | 'stats'> {
  readonly limits = new Map<string, CgroupLimits>();
  refuse: (limit: string) => boolean = () => false;
  missing: string[] = [];
  private readonly paths = new Map<FileDescriptor, string>();

  get openHandles(): number {
    return [...this.paths.keys()].filter(({ isOpen }) => isOpen).length;
  }

  create(_root: string, path: string): FileDescriptor {
    let isOpen = true;
    const handle = {
      get isOpen() {
        return isOpen;
      },
      close: () => {
        isOpen = false;
      },
      releaseNumber: () => -1,
    };
    this.paths.set(handle, path);
    if (!this.limits.has(path)) this.limits.set(path, {});
    return handle;
  }

  setLimits(group: FileDescriptor, limits: CgroupLimits): void {
    if (Object.keys(limits).some(this.refuse)) throw new Error('ENOENT');
    Object.assign(this.limits.get(this.paths.get(group) ?? '') ?? {}, limits);
  }

  enableControllers(): string[] {
    return this.missing;
  }

  remove(_root: string, path: string): void {
    this.limits.delete(path);
  }

  stats(groups: readonly FileDescriptor[]) {
    return groups.map((_, position) => ({ memoryBytes: position }));
  }
}

const rootWith = (controllers: string) => ({
  'cgroup.controllers': `${controllers}\n`,
  'cgroup.subtree_control': '',
  'cgroup.procs': '',
  init: { 'cgroup.procs': '' },
});

t.test('weights follow the formula of the kubelet', async (t) => {
  t.same([0, 2, 1000, 2000, 1500, 256_000, 1_000_000].map(cpuWeightOf), [1, 1, 39, 79, 59, 10_000, 10_000]);
});

t.test('the fixed groups', async (t) => {
  for (const { limits, reason } of FIXED_GROUPS) {
    t.ok((limits.memoryLow ?? 0) > (limits.memoryMin ?? 0) && (limits.memoryMin ?? 0) > 0, reason);
  }
});

t.test('lays the tree out and goes into init', async (t) => {
  const root = t.testdir(rootWith('cpuset cpu io memory hugetlb pids'));
  const cgroup = new FakeCgroup();
  const tree = CgroupTree.create(cgroup, { root });
  t.same(tree.problems, []);
  t.equal(readFileSync(`${root}/cgroup.subtree_control`, 'utf8'), '+cpu +memory +pids');
  t.equal(readFileSync(`${root}/init/cgroup.procs`, 'utf8'), '0');
  const handle = tree.serviceGroup('osd', { memoryMax: 1024, pidsMax: 64 });
  t.equal(tree.serviceGroup('osd', { pidsMax: 32 }), handle, 'the same group again');
  t.same(cgroup.limits.get('system/osd'), { memoryMax: 1024, pidsMax: 32 });
  t.same([...tree.stats().entries()].at(-1), ['system/osd', { memoryBytes: 4 }]);
  tree.serviceGroup('containerd', {}, 'podruntime/runtime');
  t.ok(cgroup.limits.has('podruntime/runtime') && cgroup.limits.has('podruntime/shim'));
  tree.removeServiceGroup('containerd', 'podruntime/runtime');
  t.notOk(cgroup.limits.has('podruntime/runtime'));
  tree.removeServiceGroup('osd');
  t.notOk(handle.isOpen);
  t.notOk(cgroup.limits.has('system/osd'));
  tree.close();
  t.equal(cgroup.openHandles, 0);
});

t.test('what the kernel lacks is reported, the rest is done', async (t) => {
  const root = t.testdir(rootWith('pids'));
  const cgroup = new FakeCgroup();
  cgroup.refuse = (limit) => limit.startsWith('memory');
  cgroup.missing = ['cpu'];
  const tree = CgroupTree.create(cgroup, { root, moveSelf: false });
  tree.serviceGroup('osd', { memoryMax: 1, pidsMax: 2 });
  t.equal(readFileSync(`${root}/cgroup.subtree_control`, 'utf8'), '+pids');
  t.equal(readFileSync(`${root}/init/cgroup.procs`, 'utf8'), '');
  t.same(cgroup.limits.get('system/osd'), { pidsMax: 2 });
  for (const words of [
    "the root: the kernel has no controller 'memory'",
    "system: the kernel has no controller 'cpu'",
  ]) {
    t.ok(tree.problems.includes(words), words);
  }
  t.ok(tree.problems.includes('system/osd: memoryMax was not set: ENOENT'));
});

t.test('without cgroup2 there is no tree', async (t) => {
  t.throws(() => CgroupTree.create(new FakeCgroup(), { root: t.testdir({}) }), { code: 'ENOENT' });
});
