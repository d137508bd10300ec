import { storage } from '../../gen/machine/machine.js';
import { StorageServiceDefinition as api } from '../../gen/machine/service.js';
import { listDisks } from '../../os/disks.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

/** Calls about the disks. */
export function storageQueries({ native }: QuerySources) {
  return unary(api.Disks, storage.Disks, async () => {
    const disks = await listDisks(native.mount.mountInfo());
    return { disks: disks.map((disk) => ({ ...disk, type: storage.Disk.DiskType[disk.type] })) };
  });
}
