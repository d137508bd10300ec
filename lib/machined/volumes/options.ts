import type { BlockModule, FilesModule, MountModule } from '../../native/contract.js';
import type { BlockDevice } from '../../os/block-devices.js';
import type { VolumeId } from './layout.js';
import type { FilesystemPrograms } from './programs.js';

/** What STATE and EPHEMERAL are handled with. */
export interface VolumesOptions {
  block: Pick<
    BlockModule,
    | 'changeGpt'
    | 'createGpt'
    | 'erase'
    | 'flush'
    | 'growExt4'
    | 'inspect'
    | 'readGpt'
    | 'syncPartitions'
    | 'wipeSignatures'
  >;
  files: Pick<FilesModule, 'openRoot'>;
  mount: Pick<MountModule, 'mount' | 'mountInfo' | 'umount'>;
  /** Disks of the machine and their partitions, as the kernel knows them. */
  devices(): Promise<BlockDevice[]>;
  /** Loaded when they are needed. */
  programs(): Promise<FilesystemPrograms>;
  mountPoints: Readonly<Record<VolumeId, string>>;
  /** To the log and the kernel log. */
  notice(text: string): void;
  /** As notice, and a person should do something about it. */
  problem(text: string): void;
}
