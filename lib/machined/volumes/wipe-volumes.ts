import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import type { MountInfo } from '../../native/contract.js';
import { unmountOrder } from '../../os/unmount.js';
import { UNMADE, VOLUMES, type VolumeId } from './layout.js';
import type { VolumesOptions } from './options.js';
import type { SystemDisk } from './system-disk.js';

/** Services have stopped; what they had open is closed when their last process is gone. */
const BUSY_PATIENCE_MS = 20 * SECOND_MS;
const BUSY_PAUSE_MS = 100;

/**
 * Marks them as unmade, and then wipes them: when the power goes in between, the next boot makes them anew all the same. Everything of the
 * disk is unmounted for that.
 * @throws ControlError FAILED_PRECONDITION  with the reason
 */
export async function wipeVolumes(
  { block, mount, mountPoints }: Pick<VolumesOptions, 'block' | 'mount' | 'mountPoints'>,
  { device, volumes }: SystemDisk,
  ids: readonly VolumeId[],
): Promise<void> {
  const chosen = ids.map((id) => volumes[id]);
  try {
    for (const { id } of VOLUMES) await unmountAll(mount, mountPoints[id]);
    await block.changeGpt(
      device.path,
      chosen.map(({ number }) => ({ number, attributes: UNMADE })),
    );
    for (const { path, sizeBytes } of chosen) {
      await block.wipeSignatures(path);
      await block.erase(path, 'discard', 0, sizeBytes).catch((error) => {
        if (errorCode(error) !== 'EOPNOTSUPP' && errorCode(error) !== 'ENOTSUP') throw error;
      });
      await block.flush(path);
    }
  } catch (cause) {
    const why = errorMessage(cause);
    throw new ControlError('FAILED_PRECONDITION', `${ids.join(' and ')} of ${device.path}: ${why}`, { cause });
  }
}

/** What is mounted there on a device, wherever else it is mounted, and what is mounted below: folders of Kubernetes, volumes of pods. Again while it is busy. */
async function unmountAll(mount: VolumesOptions['mount'], target: string): Promise<void> {
  const endMs = performance.now() + BUSY_PATIENCE_MS;
  const volume = mount.mountInfo().findLast(({ mountPoint, fstype }) => mountPoint === target && fstype === 'ext4');
  if (volume === undefined) return;
  for (;;) {
    const [first, ...others] = mountsOf(mount.mountInfo(), volume);
    if (first === undefined) return;
    for (const { mountPoint } of [first, ...others]) {
      try {
        await mount.umount(mountPoint, ['nofollow']);
      } catch (error) {
        if (errorCode(error) !== 'EBUSY' || performance.now() > endMs) throw error;
        await delay(BUSY_PAUSE_MS);
        break;
      }
    }
  }
}

/** In the order in which they can be unmounted. */
function mountsOf(mounts: readonly MountInfo[], { device }: MountInfo): MountInfo[] {
  const byId = new Map(mounts.map((each) => [each.id, each]));
  const isOf = (each: MountInfo | undefined): boolean =>
    each !== undefined && (each.device === device || (each.parentId !== each.id && isOf(byId.get(each.parentId))));
  return unmountOrder(mounts).filter(isOf);
}
