import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../base/errors.js';
import { ControlError } from '../control/errors.js';
import type { WipeMethod } from '../control/protocol.js';
import type { BlockModule, MountInfo } from '../native/contract.js';
import { type BlockDevice, findExt4ByLabel, listBlockDevices } from '../os/block-devices.js';
import type { Blockd } from './blockd.js';
import { CONFIG_DISK_LABEL } from './config-disk.js';

export interface DiskWiperOptions {
  block: Pick<BlockModule, 'erase' | 'flush' | 'inspect' | 'syncPartitions' | 'wipeSignatures'>;
  /** Writes on devices while the node runs. When it goes down, containers have ended, and we do that ourselves. */
  blockd: Pick<Blockd, 'wipe'>;
  mounts(): readonly Pick<MountInfo, 'device' | 'mountPoint'>[];
  log(text: string): void;
  sysfs?: string;
  dev?: string;
}

const MAX_DISKS = 64;

/** Wipes disks, for a reset when the node goes down, or while it runs: checks first that all of them may be wiped. */
export class DiskWiper {
  constructor(private readonly options: DiskWiperOptions) {}

  /**
   * Writes nothing.
   * @param paths  of whole disks: '/dev/vdb'
   * @throws ControlError  NOT_FOUND · INVALID_ARGUMENT a partition, or too many · FAILED_PRECONDITION read-only, in use, or the config disk
   */
  async check(paths: readonly string[]): Promise<void> {
    await this.find(paths);
  }

  /**
   * Zeroes what makes a disk look like something, on it and on its partitions, and discards the rest where the disk can.
   * @throws ControlError  as check, before anything is written · INTERNAL never: what fails is FAILED_PRECONDITION with the reason
   */
  async wipe(paths: readonly string[]): Promise<void> {
    const { block, log } = this.options;
    for (const { disk, partitions } of await this.find(paths)) {
      try {
        for (const { path } of [...partitions, disk]) await block.wipeSignatures(path);
        const wasDiscarded = await this.discard(disk);
        await block.flush(disk.path);
        log(
          `${disk.path} was wiped${wasDiscarded ? ' and discarded' : ': its signatures; it cannot discard the rest'}`,
        );
      } catch (error) {
        throw new ControlError('FAILED_PRECONDITION', `${disk.path} was not wiped: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
  }

  /**
   * By blockd, disks and partitions by their names, and either what makes them look like something or all of them.
   * @throws ControlError  as wipe, without INVALID_ARGUMENT for a partition · UNAVAILABLE blockd does not run, or has ended meanwhile
   */
  async wipeDevices(wanted: readonly { name: string; method: WipeMethod }[]): Promise<void> {
    const { block, blockd, log, dev = '/dev' } = this.options;
    const methods = new Map(wanted.map(({ name, method }) => [join(dev, name), method]));
    const found = await this.find([...methods.keys()], 'partitions too');
    for (const { disk, partitions } of found) {
      const method = methods.get(disk.path) ?? 'FAST';
      try {
        for (const { path } of partitions) await blockd.wipe(path, 'FAST');
        await blockd.wipe(disk.path, method);
        // A disk without a table has no partitions any more; a partition has none of its own. To tell the kernel takes a capability, which we have.
        if (partitions.length > 0) {
          await block
            .syncPartitions(disk.path)
            .catch((error) => log(`${disk.path}: the kernel keeps its partitions: ${errorMessage(error)}`));
        }
      } catch (cause) {
        const kind = cause instanceof ControlError ? cause.kind : 'FAILED_PRECONDITION';
        throw new ControlError(kind, `${disk.path} was not wiped: ${errorMessage(cause)}`, { cause });
      }
      log(`${disk.path} was wiped: ${method === 'ZEROES' ? 'all of it is zeros' : 'its signatures'}`);
    }
  }

  private async discard({ path, sizeBytes }: BlockDevice): Promise<boolean> {
    try {
      await this.options.block.erase(path, 'discard', 0, sizeBytes);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EOPNOTSUPP' || errorCode(error) === 'ENOTSUP') return false;
      throw error;
    }
  }

  private async find(
    paths: readonly string[],
    kinds: 'whole disks' | 'partitions too' = 'whole disks',
  ): Promise<{ disk: BlockDevice; partitions: BlockDevice[] }[]> {
    if (paths.length > MAX_DISKS) throw new ControlError('INVALID_ARGUMENT', `more than ${MAX_DISKS} disks`);
    const { block, sysfs = '/sys/class/block', dev = '/dev' } = this.options;
    const folders = { sysfs, dev };
    const devices = await listBlockDevices(folders);
    const configDisks = await findExt4ByLabel(block, CONFIG_DISK_LABEL, folders);
    const wanted = [...new Set(paths)];
    return Promise.all(
      wanted.map(async (path) => {
        const disk = devices.find((device) => device.path === path);
        if (!disk) {
          const there = devices
            .filter(({ isPartition, isReadOnly }) => !isPartition && !isReadOnly)
            .map((device) => device.path);
          throw new ControlError(
            'NOT_FOUND',
            `no disk ${JSON.stringify(path)}; there are ${there.join(', ') || 'none'}`,
          );
        }
        if (disk.isPartition && kinds === 'whole disks') {
          throw new ControlError('INVALID_ARGUMENT', `${path} is a partition: a reset wipes whole disks`);
        }
        const names = disk.isPartition ? [] : await readdir(join(sysfs, disk.name));
        const partitions = devices.filter(({ name, isPartition }) => isPartition && names.includes(name));
        for (const device of [disk, ...partitions]) {
          if (device.isReadOnly) throw new ControlError('FAILED_PRECONDITION', `${device.path} is read-only`);
          const use = await this.useOf(device);
          if (use !== undefined) throw new ControlError('FAILED_PRECONDITION', `${device.path} is in use: ${use}`);
          if (configDisks.some((found) => found.device.path === device.path)) {
            throw new ControlError('FAILED_PRECONDITION', `${device.path} holds the machine config of this node`);
          }
        }
        return { disk, partitions };
      }),
    );
  }

  private async useOf({ name }: BlockDevice): Promise<string | undefined> {
    const { sysfs = '/sys/class/block', mounts } = this.options;
    const number = (await readFile(join(sysfs, name, 'dev'), 'utf8')).trim();
    const mount = mounts().find(({ device }) => device === number);
    if (mount) return `it is mounted at ${mount.mountPoint}`;
    const holders = await readdir(join(sysfs, name, 'holders')).catch(() => []);
    return holders.length > 0 ? `${holders.join(', ')} is made of it` : undefined;
  }
}
