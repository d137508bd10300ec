import { mkdir } from 'node:fs/promises';
import { errorCode } from '../base/errors.js';
import type { FileDescriptor, FilesModule } from '../native/contract.js';

export interface BootFileOptions {
  files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>;
  /** In memory; made for root only where it is missing. */
  folder: string;
  name: string;
  maxBytes: number;
}

/** What one machined leaves to the next one of the same boot: a text, replaced as a whole, for root only. */
export class BootFile {
  constructor(private readonly options: BootFileOptions) {}

  /** undefined: no machined of this boot has written any. */
  async read(): Promise<string | undefined> {
    const { files, name, maxBytes } = this.options;
    return this.inFolder(async (root) => {
      try {
        return (await files.readFile(root, name, { maxBytes })).toString('utf8');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  async write(text: string): Promise<void> {
    const { files, name } = this.options;
    await this.inFolder((root) => files.replaceFile(root, name, Buffer.from(text), { mode: 0o600 }));
  }

  private async inFolder<T>(work: (root: FileDescriptor) => Promise<T>): Promise<T> {
    const { files, folder } = this.options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const root = await files.openRoot(folder);
    try {
      return await work(root);
    } finally {
      root.close();
    }
  }
}
