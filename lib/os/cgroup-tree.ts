import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { CgroupLimits, CgroupModule, CgroupStats, FileDescriptor } from '../native/contract.js';

/**
 * The tree of cgroup v2, as PID 1 lays it out. Processes live in its leaves only.
 *
 *     /               the kernel's own threads
 *     ├─ init         PID 1, since before it was executed: stage0 enters it, so that the pages of the program are charged to it
 *     ├─ system       services of the node
 *     │  └─ <id>      one group a service, with the limits of its definition; containers of the system have theirs here as well
 *     └─ podruntime   the container runtime
 *        ├─ runtime   containerd itself, the group of a service
 *        ├─ kubelet   the kubelet, the same; only where the image has Kubernetes
 *        └─ shim      its shims, one process a container: they and what they hold outlive containerd
 *
 * Pods (kubepods) join at the top, beside `system`, so that nothing they or their runtime do takes memory or time away from the API.
 */
export const CGROUP_ROOT = '/sys/fs/cgroup';

/** Below it, where those services have theirs whose processes are not of the node's own system. */
export const RUNTIME_GROUPS = { containerd: 'podruntime/runtime', kubelet: 'podruntime/kubelet' } as const;

/** Those that the limits need. cpuset, io and hugetlb are for the kubelet, which enables them itself below its own group. */
const CONTROLLERS = ['cpu', 'memory', 'pids'];

/**
 * The weight of cgroup v2 (1 to 10000) for a CPU request in thousandths of a core, by the kubelet's formula, so that the node's
 * groups and those of pods compare.
 */
export function cpuWeightOf(millicores: number): number {
  const shares = Math.min(Math.max(Math.floor((millicores * 1024) / 1000), 2), 262_144);
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

export interface GroupDefinition {
  path: string;
  limits: CgroupLimits;
  reason: string;
}

/** Groups that are always there. memory.min is kept from reclaim absolutely, memory.low (twice as much) as long as there is other memory. */
export const FIXED_GROUPS: readonly GroupDefinition[] = [
  {
    path: 'init',
    limits: { memoryMin: 96 * MIB, memoryLow: 192 * MIB, cpuWeight: cpuWeightOf(2000) },
    reason: 'PID 1 answers whatever else happens; twice its budget of 45 MiB',
  },
  {
    path: 'system',
    limits: { memoryMin: 160 * MIB, memoryLow: 320 * MIB, cpuWeight: cpuWeightOf(1500) },
    reason:
      'for all services together: they take 120 MiB at rest, programs included, and what is not theirs is read anew from the disk',
  },
  {
    path: 'podruntime',
    limits: { memoryMin: 192 * MIB, memoryLow: 384 * MIB, cpuWeight: cpuWeightOf(1000) },
    reason:
      'the same for the container runtime, which takes 95 MiB with two containers, and 64 MiB for a kubelet; what is not used is not kept',
  },
  {
    path: 'podruntime/shim',
    limits: { memoryMin: 48 * MIB, memoryLow: 96 * MIB },
    reason: 'shims reap what runs in containers; no service, so that a new run of containerd finds them alive',
  },
];

type Cgroup = Pick<CgroupModule, 'create' | 'setLimits' | 'enableControllers' | 'remove' | 'stats'>;

/** The groups that PID 1 has made. Owns their descriptors. Nothing here blocks. */
export class CgroupTree {
  private readonly groups = new Map<string, FileDescriptor>();

  private constructor(
    private readonly cgroup: Cgroup,
    private readonly root: string,
    /** Limits and controllers that this kernel does not have, or refused: reported, for a node without them still runs. */
    readonly problems: string[],
  ) {}

  /**
   * Lays the tree out and moves this process into `init`. May be repeated.
   * @param options.moveSelf  false in tests that must stay where they are
   * @throws the error of the system call when there is no cgroup2 at `root`
   */
  static create(cgroup: Cgroup, options: { root?: string; moveSelf?: boolean } = {}): CgroupTree {
    const { root = CGROUP_ROOT, moveSelf = true } = options;
    const tree = new CgroupTree(cgroup, root, []);
    tree.enableRootControllers();
    for (const { path, limits } of FIXED_GROUPS) {
      // Controllers of a group are those that its parent passes on, when it is made.
      const parent = path.slice(0, Math.max(path.indexOf('/'), 0));
      if (parent !== '') tree.reportMissing(parent, cgroup.enableControllers(tree.group(parent), CONTROLLERS));
      tree.make(path, limits);
    }
    // The root alone may have both processes and children with controllers; PID 1 leaves it all the same, to be accounted for.
    if (moveSelf) writeFileSync(`${root}/init/cgroup.procs`, '0');
    tree.reportMissing('system', cgroup.enableControllers(tree.group('system'), CONTROLLERS));
    return tree;
  }

  /**
   * Makes the group of a service, or sets its limits anew. The descriptor stays owned by the tree.
   * @param path  where it is not `system/<id>`
   */
  serviceGroup(id: string, limits: CgroupLimits, path = servicePath(id)): FileDescriptor {
    return this.make(path, limits);
  }

  /** Removes the group of a service that has no processes left. EBUSY if it has. */
  removeServiceGroup(id: string, path = servicePath(id)): void {
    this.cgroup.remove(this.root, path);
    this.groups.get(path)?.close();
    this.groups.delete(path);
  }

  /** Usage of all groups, by path ('init', 'system/osd'), in one call. */
  stats(): Map<string, CgroupStats> {
    const stats = this.cgroup.stats([...this.groups.values()]);
    return new Map([...this.groups.keys()].map((path, position) => [path, stats[position] as CgroupStats]));
  }

  /** Gives the descriptors back; the groups stay. */
  close(): void {
    for (const group of this.groups.values()) group.close();
    this.groups.clear();
  }

  private group(path: string): FileDescriptor {
    const group = this.groups.get(path);
    if (!group) throw new Error(`the group ${path} was not made`);
    return group;
  }

  /** The root is no group that could be created, but its control file is like any other. */
  private enableRootControllers(): void {
    const offered = new Set(readFileSync(`${this.root}/cgroup.controllers`, 'utf8').trim().split(' '));
    const present = CONTROLLERS.filter((name) => offered.has(name));
    if (present.length > 0) {
      writeFileSync(`${this.root}/cgroup.subtree_control`, present.map((name) => `+${name}`).join(' '));
    }
    const missing = CONTROLLERS.filter((name) => !offered.has(name));
    this.reportMissing('the root', missing);
  }

  private reportMissing(where: string, controllers: string[]): void {
    for (const name of controllers) this.problems.push(`${where}: the kernel has no controller '${name}'`);
  }

  private make(path: string, limits: CgroupLimits): FileDescriptor {
    const group = this.groups.get(path) ?? this.cgroup.create(this.root, path);
    this.groups.set(path, group);
    // One at a time: a limit whose controller is missing must not keep the others from being set.
    for (const [name, value] of Object.entries(limits)) {
      if (value === undefined) continue;
      try {
        this.cgroup.setLimits(group, { [name]: value });
      } catch (error) {
        this.problems.push(`${path}: ${name} was not set: ${errorMessage(error)}`);
      }
    }
    return group;
  }
}

function servicePath(id: string): string {
  return `system/${id}`;
}
