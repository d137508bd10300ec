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

/**
 * How full the mounts are, in mount order. All are asked at the same time, so one that does not answer delays the others by its deadline at most.
 * Until its call has come back it is not asked again: each such call costs one of the few threads that there are for it.
 */
export class MountUsageReader {
  private readonly hanging = new Set<string>();

  constructor(
    private readonly mount: Pick<MountModule, 'mountInfo' | 'statfs' | 'blockedCalls'>,
    private readonly timeoutMs = ANSWER_MS,
  ) {}

  async read(): Promise<MountUsage[]> {
    if (this.mount.blockedCalls().stuck === 0) this.hanging.clear();
    return await Promise.all(
      this.mount.mountInfo().map(async ({ source, mountPoint }) => ({
        filesystem: source,
        mountedOn: mountPoint,
        ...(await this.space(mountPoint)),
      })),
    );
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
