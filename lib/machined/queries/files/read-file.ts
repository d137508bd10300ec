import { KIB } from '../../../base/units.js';
import { ControlError } from '../../../control/errors.js';
import type { common } from '../../../gen/machine/machine.js';
import type { FileDescriptor, FilesModule } from '../../../native/contract.js';
import { fileFailure } from './failures.js';
import { beneathRoot, nodePath } from './node-path.js';
import type { SpecialFiles } from './special-files.js';

export const SLAB_BYTES = 128 * KIB;

export interface FileSources {
  files: FilesModule;
  /** The folder '/'. */
  root: FileDescriptor;
  special: SpecialFiles;
  signal: AbortSignal;
}

/** Read: a regular file, up to where it ends when that is reached, in slabs. What the kernel makes up has no size, so sizes do not count. */
export async function* readFile(
  sources: FileSources,
  text: string,
): AsyncGenerator<common.Data.$Properties, void, undefined> {
  const { files, root, signal } = sources;
  const path = nodePath(text);
  const file = await openReadable(sources, path);
  try {
    for (let position = 0; ; ) {
      signal.throwIfAborted();
      const bytes = await files.read(file, { position, maxBytes: SLAB_BYTES });
      position += bytes.length;
      if (bytes.length > 0) yield { bytes };
      if (bytes.length < SLAB_BYTES) return;
    }
  } catch (error) {
    throw await fileFailure(files, root, path, error);
  } finally {
    file.close();
  }
}

/** @throws ControlError  also for files that must not be read */
export async function openReadable(
  { files, root, special }: Omit<FileSources, 'signal'>,
  path: string,
): Promise<FileDescriptor> {
  try {
    const place = beneathRoot(path);
    // Before it is opened, since an open can do something already, and of what was opened: it may be another file by then.
    refuse(path, special.refusal(path, await files.stat(root, place)));
    const file = await files.openBeneath(root, place);
    try {
      refuse(path, special.refusal(path, await files.statFile(file)));
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    throw await fileFailure(files, root, path, error);
  }
}

function refuse(path: string, why: string | undefined): void {
  if (why !== undefined) throw new ControlError('FAILED_PRECONDITION', `${path}: ${why}`);
}
