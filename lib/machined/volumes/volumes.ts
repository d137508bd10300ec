/**
 * STATE and EPHEMERAL of this boot.
 *
 *   openState   as early as the config is needed: STATE is mounted if there is one; a table that is damaged or too small is mended before
 *   finish      when the node answers: both are made on an empty disk, or made to their end, EPHEMERAL is mounted and grown
 *   grow        when the disk has become larger since (followDisk)
 *
 * What cannot be had on a disk is in memory for this boot: in the tmpfs that PID 1 has mounted at /var, and in that of /system.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import { EPHEMERAL, STATE, type VolumeId } from './layout.js';
import type { VolumesOptions } from './options.js';
import {
  findSystemDisk,
  hasGrown,
  readSystemDisk,
  type SystemDisk,
  settleTable,
  type VolumePartition,
} from './system-disk.js';

/** Where things are, once that is decided for this boot: the path of the disk, or undefined for in memory. */
export type VolumesReport = Readonly<Record<VolumeId, string | undefined>>;

/** Services wait for it. What takes longer goes on behind their back. */
const GROWTH_PATIENCE_MS = 30 * SECOND_MS;
const STATE_MODE = 0o700;
const LESS = 'EPHEMERAL has less than its disk has for it';

export class Volumes {
  private disk: SystemDisk | undefined;
  private readonly told = new Set<string>();
  private work: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: VolumesOptions) {}

  /** Where STATE is, while it is on a disk. */
  get statePath(): string | undefined {
    return this.isMounted('STATE') ? this.options.mountPoints.STATE : undefined;
  }

  /** One thing at a time is done with the disk. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const next = this.work.then(work);
    this.work = next.catch(() => {});
    return next;
  }

  /**
   * Mounts STATE if there is a disk with it. May be called again, when another disk has come. Never rejects: what is wrong is told, once.
   * @returns why STATE cannot be used, though there is or may be one
   */
  openState(): Promise<string | undefined> {
    return this.exclusively(async () => {
      if (this.isMounted('STATE')) return undefined;
      return await this.attempt('STATE cannot be used', async () => {
        this.disk = await this.find();
        if (this.disk) await this.mountVolume(this.disk.volumes.STATE);
      });
    });
  }

  /** What takes longer, and what changes a disk that has nothing of ours yet. Never rejects. */
  finish(): Promise<VolumesReport> {
    return this.exclusively(async () => {
      await this.attempt('STATE and EPHEMERAL are in memory', () => this.makeMissing());
      const { disk } = this;
      if (disk) {
        const { STATE: state, EPHEMERAL: ephemeral } = disk.volumes;
        await this.attempt('STATE cannot be used', () => this.mountVolume(state));
        await this.attempt('EPHEMERAL cannot be used, /var is in memory', () => this.mountVolume(ephemeral));
        if (this.isMounted('EPHEMERAL')) {
          await this.attempt(LESS, () => this.growEphemeral(ephemeral));
        }
      }
      const pathOf = (id: VolumeId) => (this.isMounted(id) ? disk?.device.path : undefined);
      return { STATE: pathOf('STATE'), EPHEMERAL: pathOf('EPHEMERAL') };
    });
  }

  /** The kernel's name of the disk, once there is one: 'vdb'. */
  get diskName(): string | undefined {
    return this.disk?.device.name;
  }

  /** Lets EPHEMERAL have what its disk has more than before, while both are used. Does nothing if that is nothing. Never rejects. */
  grow(): Promise<void> {
    return this.exclusively(async () => {
      await this.attempt(LESS, async () => {
        const { block, devices, notice } = this.options;
        const name = this.diskName;
        const device = (await devices()).find((each) => each.name === name);
        if (device === undefined || !this.isMounted('EPHEMERAL')) return;
        const disk = await readSystemDisk(block, device);
        if (disk === undefined || !hasGrown(disk)) return;
        this.disk = await settleTable(block, disk, 'in use');
        notice(`the disk ${device.path} has become larger: EPHEMERAL gets the rest`);
        await this.growEphemeral(this.disk.volumes.EPHEMERAL);
      });
    });
  }

  /**
   * Whether these can be wiped. Changes nothing.
   * @throws ControlError NOT_FOUND
   */
  async checkWipe(labels: readonly string[]): Promise<void> {
    for (const label of labels) {
      const name = JSON.stringify(label);
      if (!isVolume(label)) {
        throw new ControlError('NOT_FOUND', `no system partition ${name}; there are STATE and EPHEMERAL`);
      }
      this.disk ??= await this.exclusively(() => this.find());
      if (!this.disk) throw new ControlError('NOT_FOUND', `${name} is not on a disk of this node`);
    }
  }

  /**
   * Wipes them, so that the next boot makes them anew; their disk is not used any more in this boot. Nothing without a disk.
   * @throws ControlError NOT_FOUND · FAILED_PRECONDITION  with the reason; what was marked before it is still made anew
   */
  wipe(labels: readonly string[]): Promise<void> {
    return this.exclusively(async () => {
      const wanted = labels.filter(isVolume);
      const disk = this.disk ?? (await this.find());
      if (!disk || wanted.length === 0) return;
      const { wipeVolumes } = await import('./wipe-volumes.js');
      await wipeVolumes(this.options, disk, wanted);
      for (const id of wanted) this.options.notice(`${id} on ${disk.device.path} was wiped`);
    });
  }

  /** The disk, with a table that is whole, known to the kernel, and as large as the disk is. */
  private async find(): Promise<SystemDisk | undefined> {
    const { block, devices, notice } = this.options;
    const all = await devices();
    const disks = all.filter(({ isPartition, isReadOnly }) => !isPartition && !isReadOnly);
    const found = await findSystemDisk(block, disks);
    // In use: by a machined that was here before.
    if (!found || this.isMounted('STATE') || this.isMounted('EPHEMERAL')) return found;
    const isKnown = Object.values(found.volumes).every((volume) =>
      all.some(({ path, sizeBytes }) => path === volume.path && sizeBytes === volume.sizeBytes),
    );
    const isLarger = hasGrown(found);
    if (isKnown && !isLarger && found.problems.length === 0) return found;
    const settled = await settleTable(block, found);
    if (isLarger) notice(`the disk ${found.device.path} is larger than it was: EPHEMERAL gets the rest`);
    else for (const problem of found.problems) notice(`the disk ${found.device.path}: ${problem}; mended`);
    return settled;
  }

  private async makeMissing(): Promise<void> {
    const { block, devices, programs, notice } = this.options;
    this.disk ??= await this.find();
    if (this.disk && !Object.values(this.disk.volumes).some(({ isUnmade }) => isUnmade)) return;
    const { chooseEmptyDisk, makeFilesystems, makeTable } = await import('./make-volumes.js');
    if (!this.disk) {
      const disks = (await devices()).filter(({ isPartition }) => !isPartition);
      this.disk = await makeTable(block, await chooseEmptyDisk(block, disks));
    }
    await this.unmount('STATE');
    this.disk = await makeFilesystems(block, await programs(), this.disk);
    notice(`STATE and EPHEMERAL were made on ${this.disk.device.path}`);
  }

  /** One that is not made is left for later. */
  private async mountVolume({ layout, path, isUnmade }: VolumePartition): Promise<void> {
    if (isUnmade || this.isMounted(layout.id)) return;
    const target = this.options.mountPoints[layout.id];
    await mkdir(target, { recursive: true, mode: 0o755 });
    const flags = [...layout.flags];
    // What is damaged must not become worse, and what stops for it is seen.
    await this.options.mount.mount({ source: path, target, fstype: 'ext4', flags, data: 'errors=remount-ro' });
    if (layout.id === 'STATE') await chmod(target, STATE_MODE);
  }

  /** Its partition may have become larger, at this boot or at one that came to an end before this. */
  private async growEphemeral({ path, sizeBytes }: VolumePartition): Promise<void> {
    const { block, files, mountPoints, notice } = this.options;
    // Asked in vain, the kernel says all the same that it grows it, and boots would all look alike.
    const [filesystem] = (await block.inspect(path)).filesystems;
    if (filesystem !== undefined && sizeBytes - filesystem.sizeBytes < filesystem.blockBytes) return;
    const root = await files.openRoot(mountPoints.EPHEMERAL);
    try {
      const { fromBytes, toBytes } = await block.growExt4(root, { timeoutMs: GROWTH_PATIENCE_MS });
      if (toBytes !== fromBytes) notice(`EPHEMERAL was grown from ${fromBytes} to ${toBytes} bytes`);
    } finally {
      root.close();
    }
  }

  private async unmount(id: VolumeId): Promise<void> {
    if (this.isMounted(id)) await this.options.mount.umount(this.options.mountPoints[id], ['nofollow']);
  }

  private isMounted(id: VolumeId): boolean {
    const { mount, mountPoints } = this.options;
    // The last one mounted on a point is the one that is seen.
    return mount.mountInfo().findLast(({ mountPoint }) => mountPoint === mountPoints[id])?.fstype === 'ext4';
  }

  /** @returns what went wrong, if it did; told by then */
  private async attempt(what: string, work: () => Promise<void>): Promise<string | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      const [why = ''] = errorMessage(error).split('\n');
      const text = `${what}: ${why}`;
      if (this.told.has(text)) return why;
      this.told.add(text);
      // A node without a disk is one that somebody wanted so.
      if (errorCode(error) === 'ERR_NO_EMPTY_DISK') this.options.notice(text);
      else this.options.problem(text);
      return why;
    }
  }
}

function isVolume(label: string): label is VolumeId {
  return label === STATE.id || label === EPHEMERAL.id;
}
