import { errorCode } from '../base/errors.js';
import type { CgroupModule, FileDescriptor, FilesModule } from '../native/contract.js';
import { CGROUP_ROOT, RUNTIME_GROUPS } from './cgroup-tree.js';

export interface ServiceUsage {
  id: string;
  memoryBytes: number;
  /** Of all processes that the group ever had. */
  cpuUsec: number;
}

/** PID 1 has a group beside the services'. */
const INIT_GROUP = 'init';
const SERVICES_GROUP = 'system';
/** The container runtime and the kubelet are services elsewhere. */
const ELSEWHERE = Object.entries(RUNTIME_GROUPS).map(([id, path]) => ({ id, path }));

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
    const places = [
      { id: INIT_GROUP, path: INIT_GROUP },
      ...ids.map((id) => ({ id, path: `${SERVICES_GROUP}/${id}` })),
      ...ELSEWHERE,
    ];
    for (const { id, path } of places.sort((left, right) => (left.id < right.id ? -1 : 1))) {
      const descriptor = await openGroup(native.files, tree, path);
      if (descriptor) groups.push({ id, descriptor });
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
