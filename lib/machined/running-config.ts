import { mkdir } from 'node:fs/promises';
import { errorCode } from '../base/errors.js';
import type { FileDescriptor, FilesModule } from '../native/contract.js';
import { MAX_CONFIG_BYTES } from './config-disk.js';

const FILE = 'running-config.yaml';

/**
 * The config that this boot runs with, for a machined that is started again: what is on the disk may be meant for the next boot, or the
 * running config may not be there at all. In memory, for root only.
 */
export class RunningConfig {
  constructor(
    private readonly files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>,
    private readonly folder: string,
  ) {}

  /** undefined: this is the first machined of this boot, or there was no config yet. */
  async read(): Promise<string | undefined> {
    return this.inFolder(async (root) => {
      try {
        return (await this.files.readFile(root, FILE, { maxBytes: MAX_CONFIG_BYTES })).toString('utf8');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  async write(text: string): Promise<void> {
    await this.inFolder((root) => this.files.replaceFile(root, FILE, Buffer.from(text), { mode: 0o600 }));
  }

  private async inFolder<T>(work: (root: FileDescriptor) => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const root = await this.files.openRoot(this.folder);
    try {
      return await work(root);
    } finally {
      root.close();
    }
  }
}
