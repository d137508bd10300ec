import { errorCode } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { MountModule } from '../native/contract.js';

export interface MountUsage {
  filesystem: string;
  /** Bytes; 0 as well when the file system does not answer or may not be asked. */
  size: number;
  /** To processes without privileges. */
  available: number;
  mountedOn: string;
}

const ANSWER_MS = SECOND_MS;
/** Half of the threads that calls have that may never return (native/reactor/deadline_threads.h): all others of this process need them, too. */
const MAX_HANGING = 8;
/** Whoever answers for these is another machine or process. The kernel itself has the figures of all others at hand. */
const FOREIGN_TYPES: ReadonlySet<string> = new Set(['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', '9p', 'virtiofs']);

/**
 * How full the mounts are, in mount order. All are asked at the same time, but for those that may not answer, of which a few are at a time; each
 * of them delays the others by its deadline at most. Until its call has come back it is not asked again: each such call costs one of the few threads
 * that there are for it, so the others are not asked either once too many hang. Who asks while it is being read gets the same answer.
 */
export class MountUsageReader {
  private readonly hanging = new Set<string>();
  private underWay: Promise<MountUsage[]> | undefined;

  constructor(
    private readonly mount: Pick<MountModule, 'mountInfo' | 'statfs' | 'blockedCalls'>,
    private readonly timeoutMs = ANSWER_MS,
  ) {}

  async read(): Promise<MountUsage[]> {
    this.underWay ??= this.readAll().finally(() => {
      this.underWay = undefined;
    });
    return await this.underWay;
  }

  private async readAll(): Promise<MountUsage[]> {
    const { stuck } = this.mount.blockedCalls();
    if (stuck === 0) this.hanging.clear();
    const mounts = this.mount.mountInfo();
    const spaces = mounts.map(() => NOTHING);
    const ask = async (position: number, path: string): Promise<void> => {
      spaces[position] = await this.space(path);
    };
    const foreign = [...mounts.entries()].filter(([, { fstype }]) => isForeign(fstype));
    const oneAfterTheOther = async (): Promise<void> => {
      for (let next = foreign.shift(); next !== undefined; next = foreign.shift()) {
        const [position, { mountPoint }] = next;
        if (this.hanging.has(mountPoint)) continue;
        await ask(position, mountPoint);
        // Its thread is gone: nobody else is asked in its place.
        if (this.hanging.has(mountPoint)) return;
      }
    };
    await Promise.all([
      ...mounts.map(({ fstype, mountPoint }, position) => (isForeign(fstype) ? undefined : ask(position, mountPoint))),
      ...Array.from({ length: Math.max(0, MAX_HANGING - stuck) }, oneAfterTheOther),
    ]);
    return mounts.map(({ source, mountPoint }, position) => ({
      filesystem: source,
      mountedOn: mountPoint,
      ...(spaces[position] ?? NOTHING),
    }));
  }

  private async space(path: string): Promise<{ size: number; available: number }> {
    if (this.hanging.has(path)) return NOTHING;
    try {
      const { totalBytes, availableBytes } = await this.mount.statfs(path, { timeoutMs: this.timeoutMs });
      return { size: totalBytes, available: availableBytes };
    } catch (error) {
      if (errorCode(error) === undefined || error instanceof TypeError) throw error;
      if (errorCode(error) === 'ETIMEDOUT') this.hanging.add(path);
      return NOTHING;
    }
  }
}

const NOTHING = { size: 0, available: 0 };

function isForeign(fstype: string): boolean {
  return FOREIGN_TYPES.has(fstype) || fstype.startsWith('fuse');
}
