import { type ConfigDiskAccess, readConfigDisk, writeConfigDisk } from './config-disk.js';
import { StateConfig } from './state-config.js';
import type { Volumes } from './volumes/volumes.js';

/** Where the machine config is kept for the next boot: in STATE, or on the config disk where there is no STATE. */
export class ConfigStore {
  /** What the config disk has, as far as this boot has read or written it. */
  private diskText: string | undefined;
  private isStoredInState = false;
  /** Neither from the config disk nor from STATE: it came over the network, or from a file of the image. */
  private broughtText: string | undefined;

  constructor(
    private readonly files: ConfigDiskAccess['files'],
    private readonly volumes: Pick<Volumes, 'exclusively' | 'statePath'>,
    private readonly disk: ConfigDiskAccess,
  ) {}

  /** That of STATE, while STATE is on a disk. */
  get state(): StateConfig | undefined {
    const { statePath } = this.volumes;
    return statePath === undefined ? undefined : new StateConfig(this.files, statePath);
  }

  /** The node runs with the config of the config disk. */
  takenFromDisk(text: string): void {
    this.diskText = text;
  }

  /** The node runs with a config that somebody has brought otherwise. */
  brought(text: string): void {
    this.broughtText = text;
  }

  /** Rejects with a sentence. */
  store(text: string): Promise<void> {
    return this.volumes.exclusively(async () => {
      const { state } = this;
      if (state) {
        await state.write(text);
        this.isStoredInState = true;
      } else {
        await writeConfigDisk(this.disk, text);
        this.diskText = text;
      }
    });
  }

  /**
   * Brings STATE up to what the config disk or somebody has brought, once it is known whether there is one.
   * @param running  what the node has run with since its boot: an earlier machined may have ended before it came to this, and has taken with it
   *   where that was from
   */
  settle(running?: string): Promise<void> {
    return this.volumes.exclusively(async () => {
      const { state } = this;
      if (!state) return;
      const isEmpty = (await state.read()) === undefined;
      if (this.broughtText !== undefined) {
        if (isEmpty) await state.write(this.broughtText);
        return;
      }
      if (this.diskText === undefined && isEmpty) {
        this.diskText = await readConfigDisk(this.disk).catch(() => undefined);
        if (this.diskText === undefined && running !== undefined) await state.write(running);
      }
      const { diskText } = this;
      if (diskText === undefined || (await state.hasSeen(diskText))) return;
      if (!this.isStoredInState) await state.write(diskText);
      await state.markSeen(diskText);
    });
  }
}
