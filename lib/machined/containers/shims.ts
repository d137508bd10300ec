import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';
import { CGROUP_ROOT } from '../../os/cgroup-tree.js';

/** The group that PID 1 made for shims, as the runtime names it. */
export const SHIM_CGROUP = '/podruntime/shim';

/**
 * Whether there is a container on this node, or a process of one that has ended: each has a shim. It is the kernel that knows (cgroups(7), cgroup.events):
 * containerd would have to be waited for while it starts.
 * @throws the error of the system call, other than that there is no such group
 */
export async function hasShims(root = CGROUP_ROOT): Promise<boolean> {
  try {
    return /^populated 1$/m.test(await readFile(join(root, SHIM_CGROUP, 'cgroup.events'), 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
