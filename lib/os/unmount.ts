import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, TalosError } from '../base/errors.js';
import type { MountInfo, MountModule } from '../native/contract.js';

/** File systems without a device number of their own that nevertheless write to a device or another machine. */
const BACKED_TYPES: ReadonlySet<string> = new Set([
  'overlay',
  'nfs',
  'nfs4',
  'cifs',
  'ceph',
  'btrfs',
  'bcachefs',
  '9p',
  'virtiofs',
]);

/** Whether something has to be written back before the power goes: a device number other than those of memory (major 0). */
export function isDeviceBacked({ device, fstype }: MountInfo): boolean {
  return !device.startsWith('0:') || BACKED_TYPES.has(fstype) || fstype.startsWith('fuse');
}

/**
 * What to unmount, in order: everything device-backed but the root, and whatever is mounted below it, children first and
 * the newest first among equals.
 */
export function unmountOrder(mounts: readonly MountInfo[]): MountInfo[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const chainOf = (mount: MountInfo): MountInfo[] => {
    const chain: MountInfo[] = [];
    // A table that was read while it changed could have a loop; no tree is deeper than it has mounts.
    for (let at: MountInfo | undefined = mount; at && chain.length <= mounts.length; at = byId.get(at.parentId)) {
      chain.push(at);
      if (at.parentId === at.id) break;
    }
    return chain;
  };
  return mounts
    .map((mount, position) => ({ mount, position, chain: chainOf(mount) }))
    .filter(
      ({ mount, chain }) => mount.mountPoint !== '/' && chain.some((at) => at.mountPoint !== '/' && isDeviceBacked(at)),
    )
    .sort((left, right) => right.chain.length - left.chain.length || right.position - left.position)
    .map(({ mount }) => mount);
}

export interface UnmountOptions {
  /** For all attempts together; what is left then is detached. */
  timeoutMs: number;
  /** Between two attempts, for processes to end that still hold files open. */
  pauseMs?: number;
}

export interface UnmountReport {
  unmounted: string[];
  /** Were busy or did not answer: made read-only if that was possible, then taken out of the tree. Their data is as safe as sync(2) made it. */
  detached: { target: string; message: string }[];
}

type UnmountModule = Pick<MountModule, 'mount' | 'umount' | 'mountInfo'>;

const DEFAULT_PAUSE_MS = 100;
/** A last chance for each mount that was not unmounted in time. */
const REMOUNT_TIMEOUT_MS = 1000;

/**
 * Unmounts everything that is device-backed, again and again until nothing is left or the time is up; what is left then is
 * remounted read-only and detached. For the shutdown of a machine and nothing else: a file system belongs to all mount
 * namespaces that have it, and becomes read-only in all.
 *
 * Never rejects because of a mount, and takes about `timeoutMs`, plus two seconds for each mount left, at most. umount(2)
 * itself sleeps on a thread of its own; one that hangs on a dead device is left hanging there.
 */
export async function unmountAll(
  mount: UnmountModule,
  { timeoutMs, pauseMs = DEFAULT_PAUSE_MS }: UnmountOptions,
): Promise<UnmountReport> {
  const endMs = performance.now() + timeoutMs;
  const unmounted: string[] = [];
  const failures = new Map<string, string>();
  const hanging = new Set<number>();
  for (let left = unmountOrder(mount.mountInfo()); left.length > 0; left = unmountOrder(mount.mountInfo())) {
    for (const [position, { id, mountPoint }] of left.entries()) {
      if (hanging.has(id)) continue;
      try {
        // A share of the time each, so that one dead device does not take the turn of those after it.
        const shareMs = (endMs - performance.now()) / (left.length - position + 1);
        await withTimeout(mount.umount(mountPoint, ['nofollow']), shareMs);
        unmounted.push(mountPoint);
      } catch (error) {
        failures.set(mountPoint, errorMessage(error));
        if (error instanceof TalosError) hanging.add(id);
      }
    }
    if (performance.now() + pauseMs >= endMs) break;
    if (unmountOrder(mount.mountInfo()).length > 0) await delay(pauseMs);
  }
  const detached: UnmountReport['detached'] = [];
  for (const { mountPoint } of unmountOrder(mount.mountInfo())) {
    await detach(mount, mountPoint);
    detached.push({ target: mountPoint, message: failures.get(mountPoint) ?? 'no time was left for it' });
  }
  return { unmounted, detached };
}

async function detach(mount: UnmountModule, target: string): Promise<void> {
  // Both may fail, of a file system that is broken or was never writable: there is nothing better to do than the next step.
  const readOnly = mount.mount({ source: '', target, fstype: '', flags: ['remount', 'ro'] });
  await withTimeout(readOnly, REMOUNT_TIMEOUT_MS).catch(() => undefined);
  await withTimeout(mount.umount(target, ['detach', 'nofollow']), REMOUNT_TIMEOUT_MS).catch(() => undefined);
}

async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  const controller = new AbortController();
  const timeout = delay(Math.max(0, timeoutMs), undefined, { signal: controller.signal }).then(() => {
    throw new TalosError('ERR_UNMOUNT_TIMEOUT', 'did not answer in time');
  });
  // The loser of the race must not become an unhandled rejection.
  timeout.catch(() => undefined);
  work.catch(() => undefined);
  try {
    await Promise.race([work, timeout]);
  } finally {
    controller.abort();
  }
}
