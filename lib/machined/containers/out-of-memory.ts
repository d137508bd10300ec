import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';
import { CGROUP_ROOT } from '../../os/cgroup-tree.js';

/**
 * How many processes of a service's container the kernel has killed for want of memory. A run has a group of its own, which is there until the
 * container is removed.
 * @returns 0 also where there is no group (any more), or nothing is counted
 * Source: the kernel's documentation of cgroup v2, memory.events.
 */
export async function outOfMemoryKills(id: string, root = CGROUP_ROOT): Promise<number> {
  const text = await readFile(join(root, 'system', id, 'memory.events'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
