/** What machined has blockd do: it decides, and opens devices; blockd, which may do neither, looks into them and writes on them. */
import { SECOND_MS } from '../base/units.js';
import { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { DiskFacts, WipeMethod } from '../control/protocol.js';
import type { BlockModule, ChannelModule } from '../native/contract.js';

export interface BlockdOptions {
  init: Pick<ControlClient, 'request'>;
  channels: Pick<ChannelModule, 'open'>;
  block: Pick<BlockModule, 'openExclusively'>;
}

/** It reads some small files. */
const LIST_DEADLINE_MS = 3 * SECOND_MS;
/** Zeroing a disk takes as long as it takes; this is what timers can wait at most. */
const WIPE_DEADLINE_MS = 2 ** 31 - 1;

export class Blockd {
  private connection: ControlClient | undefined;

  constructor(private readonly options: BlockdOptions) {}

  /**
   * The disks of the machine.
   * @param systemDevices  MAJOR:MINOR of what the node lives on
   * @throws ControlError UNAVAILABLE  it does not run · INTERNAL  more disks than an answer has room for
   */
  async listDisks(systemDevices: string[]): Promise<DiskFacts[]> {
    const connection = await this.connect();
    const { body } = await connection.request('listDisks', { systemDevices }, { deadlineMs: LIST_DEADLINE_MS });
    return body.disks;
  }

  /**
   * Makes a device look like nothing, or zeroes all of it.
   * @param path  of a device that nothing uses: the kernel refuses any other
   * @returns names of the marks that were there
   * @throws ControlError UNAVAILABLE  it does not run, or has ended meanwhile · FAILED_PRECONDITION  the device cannot be written · EBUSY, EROFS
   */
  async wipe(path: string, method: WipeMethod): Promise<string[]> {
    const connection = await this.connect();
    const device = await this.options.block.openExclusively(path);
    try {
      const patience = { deadlineMs: WIPE_DEADLINE_MS, descriptors: [device] };
      return (await connection.request('wipeDevice', { method }, patience)).body.marks;
    } catch (error) {
      if (connection.isOpen) throw error;
      throw new ControlError('UNAVAILABLE', 'blockd has ended meanwhile, what is left on it is not known', {
        cause: error,
      });
    } finally {
      device.close();
    }
  }

  /** Over a new connection if the last one has gone with an earlier blockd. */
  private async connect(): Promise<ControlClient> {
    if (this.connection?.isOpen) return this.connection;
    const { init, channels } = this.options;
    const { descriptors } = await init.request('connect', { peer: 'blockd' }).catch((cause: unknown) => {
      throw new ControlError('UNAVAILABLE', 'blockd, which works on disks, does not run', { cause });
    });
    const [socket, ...others] = descriptors;
    for (const other of others) other.close();
    if (!socket) throw new Error('init sent no connection to blockd');
    this.connection = new ControlClient(socket, { channels });
    return this.connection;
  }
}
