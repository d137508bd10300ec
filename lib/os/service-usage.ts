import { errorCode } from '../base/errors.js';
import type { CgroupModule, FileDescriptor, FilesModule } from '../native/contract.js';
import { CGROUP_ROOT } from './cgroup-tree.js';

export interface ServiceUsage {
  id: string;
  memoryBytes: number;
  /** Of all processes that the group ever had. */
  cpuUsec: number;
}

/** PID 1 has a group beside the services'. */
const INIT_GROUP = 'init';
const SERVICES_GROUP = 'system';

/**
 * What PID 1 and the services that have processes use, by their groups (cgroup-tree.ts): the figures of all in
 * one call.
 * @throws the error of the system call when there is no such tree at `root`
 */
export async function serviceUsage(
  native: {
    files: Pick<FilesModule, 'openRoot' | 'openDirectory' | 'readDirectory'>;
    cgroup: Pick<CgroupModule, 'stats'>;
  },
  root = CGROUP_ROOT,
): Promise<ServiceUsage[]> {
  const tree = await native.files.openRoot(root);
  const groups: { id: string; descriptor: FileDescriptor }[] = [];
  try {
    const entries = await native.files.readDirectory(tree, SERVICES_GROUP);
    const ids = entries.filter(({ kind }) => kind === 'directory').map(({ name }) => name);
    for (const path of [INIT_GROUP, ...ids.sort().map((id) => `${SERVICES_GROUP}/${id}`)]) {
      const descriptor = await openGroup(native.files, tree, path);
      if (descriptor) groups.push({ id: path.slice(path.lastIndexOf('/') + 1), descriptor });
    }
    const stats = native.cgroup.stats(groups.map(({ descriptor }) => descriptor));
    return groups.flatMap(({ id }, position) => {
      const { memoryBytes = 0, cpu, pids = 0 } = stats[position] ?? {};
      return pids === 0 ? [] : [{ id, memoryBytes, cpuUsec: cpu?.usageUsec ?? 0 }];
    });
  } finally {
    for (const { descriptor } of groups) descriptor.close();
    tree.close();
  }
}

/** undefined when the service has gone meanwhile. */
async function openGroup(
  files: Pick<FilesModule, 'openDirectory'>,
  root: FileDescriptor,
  path: string,
): Promise<FileDescriptor | undefined> {
  try {
    return await files.openDirectory(root, path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
