import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage } from '../base/errors.js';
import { MIB } from '../base/units.js';
import type { CgroupLimits, CgroupModule, CgroupStats, FileDescriptor } from '../native/contract.js';

/**
 * The tree of cgroup v2, as PID 1 lays it out. Processes live in its leaves only.
 *
 *     /               the kernel's own threads
 *     ├─ init         PID 1
 *     └─ system       services of the node
 *        └─ <id>      one group a service, with the limits of its definition
 *
 * Pods (kubepods) and their runtime (podruntime) join at the top, beside `system`, so that nothing they do takes memory
 * or time away from the API.
 */
export const CGROUP_ROOT = '/sys/fs/cgroup';

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
    limits: { memoryMin: 96 * MIB, memoryLow: 192 * MIB, cpuWeight: cpuWeightOf(1500) },
    reason: 'bounds what the minimums of the services below can claim together',
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
    for (const { path, limits } of FIXED_GROUPS) tree.make(path, limits);
    // The root alone may have both processes and children with controllers; PID 1 leaves it all the same, to be accounted for.
    if (moveSelf) writeFileSync(`${root}/init/cgroup.procs`, '0');
    tree.reportMissing('system', cgroup.enableControllers(tree.group('system'), CONTROLLERS));
    return tree;
  }

  /** Makes the group of a service, or sets its limits anew. The descriptor stays owned by the tree. */
  serviceGroup(id: string, limits: CgroupLimits): FileDescriptor {
    return this.make(servicePath(id), limits);
  }

  /** Removes the group of a service that has no processes left. EBUSY if it has. */
  removeServiceGroup(id: string): void {
    const path = servicePath(id);
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
