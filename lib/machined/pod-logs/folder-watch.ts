import { closeSync, type FSWatcher, watch } from 'node:fs';
import type { DescriptorModule, FileDescriptor } from '../../native/contract.js';

/** Tells when something in a folder changes: a file grows, is renamed, or is made (inotify(7)). */
export class FolderWatch {
  private hasChanged = false;
  private wake = () => {};
  private readonly watcher: FSWatcher;
  private error: Error | undefined;

  /** @param folder  watched through its descriptor, so that no path has to lead there again; it stays the caller's */
  constructor(descriptors: Pick<DescriptorModule, 'duplicate'>, folder: FileDescriptor) {
    const number = descriptors.duplicate(folder).releaseNumber();
    try {
      this.watcher = watch(`/proc/self/fd/${number}`, { persistent: false });
    } finally {
      closeSync(number);
    }
    this.watcher
      .on('change', () => this.changed())
      .on('error', (error) => {
        this.error = error;
        this.changed();
      });
  }

  /** Resolves when something has changed since the last time it did; rejects with the reason of the signal. */
  async changedOnce(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.hasChanged) {
      await new Promise<void>((resolve, reject) => {
        const stop = () => reject(signal.reason);
        signal.addEventListener('abort', stop, { once: true });
        this.wake = () => {
          signal.removeEventListener('abort', stop);
          resolve();
        };
      });
    }
    this.hasChanged = false;
    if (this.error) throw this.error;
  }

  close(): void {
    this.watcher.close();
  }

  private changed(): void {
    this.hasChanged = true;
    this.wake();
  }
}
