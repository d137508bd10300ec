import { createHash } from 'node:crypto';
import { errorCode } from '../base/errors.js';
import { MAX_CONFIG_BYTES } from '../config/size.js';
import type { FileDescriptor, FilesModule } from '../native/contract.js';

const CONFIG_FILE = 'config.yaml';
/** Of the config disk's text that was taken last. */
const SEEN_FILE = 'config-disk.sha256';
const MAX_SEEN_BYTES = 128;
const MODE = 0o600;

/**
 * The machine config in STATE, where it survives the config disk. A config disk counts when its text is another one than that which was taken
 * last: somebody has brought it. What the API has stored since outlives a disk that is the same as ever.
 */
export class StateConfig {
  constructor(
    private readonly files: Pick<FilesModule, 'openRoot' | 'readFile' | 'replaceFile'>,
    private readonly folder: string,
  ) {}

  /** undefined when none was stored yet. */
  async read(): Promise<string | undefined> {
    return this.inFolder((root) => this.readText(root, CONFIG_FILE, MAX_CONFIG_BYTES));
  }

  async hasSeen(diskText: string): Promise<boolean> {
    return this.inFolder(async (root) => (await this.readText(root, SEEN_FILE, MAX_SEEN_BYTES)) === digest(diskText));
  }

  async write(text: string): Promise<void> {
    await this.inFolder((root) => this.files.replaceFile(root, CONFIG_FILE, Buffer.from(text), { mode: MODE }));
  }

  /** After the config itself: when the power goes in between, the disk is taken once more. */
  async markSeen(diskText: string): Promise<void> {
    const data = Buffer.from(digest(diskText));
    await this.inFolder((root) => this.files.replaceFile(root, SEEN_FILE, data, { mode: MODE }));
  }

  private async readText(root: FileDescriptor, name: string, maxBytes: number): Promise<string | undefined> {
    try {
      return (await this.files.readFile(root, name, { maxBytes })).toString('utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async inFolder<T>(work: (root: FileDescriptor) => Promise<T>): Promise<T> {
    const root = await this.files.openRoot(this.folder);
    try {
      return await work(root);
    } finally {
      root.close();
    }
  }
}

function digest(text: string): string {
  return `${createHash('sha256').update(text).digest('hex')}\n`;
}
