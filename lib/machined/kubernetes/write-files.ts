import { dirname } from 'node:path';
import { errorCode, TalosError } from '../../base/errors.js';
import type { FileToWrite } from '../../kube/input.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';

type Files = Pick<FilesModule, 'openRoot' | 'makeDirectory' | 'readFile' | 'replaceFile'>;

const FOLDER_MODE = 0o700;
const MAX_BYTES = 1024 * 1024;

/**
 * Writes files beneath a folder, each as a whole, and folders between for root only. One that has the text already stays as it is: its mode is that of whoever wrote
 * it.
 * @param folder  their paths begin with it; links in it are not followed
 * @throws TalosError ERR_KUBERNETES  a path is elsewhere · the error of the system call
 */
export async function writeFilesBeneath(files: Files, folder: string, list: readonly FileToWrite[]): Promise<void> {
  const root = await files.openRoot(folder);
  try {
    await writeFilesInto(files, root, folder, list);
  } finally {
    root.close();
  }
}

/** The same, in a folder that is open already. @param folder  what it is called, or would be */
export async function writeFilesInto(
  files: Omit<Files, 'openRoot'>,
  root: FileDescriptor,
  folder: string,
  list: readonly FileToWrite[],
): Promise<void> {
  for (const { path, mode, text } of list) {
    if (!path.startsWith(`${folder}/`)) throw new TalosError('ERR_KUBERNETES', `${path} is not below ${folder}`);
    const name = path.slice(folder.length + 1);
    if ((await textOf(files, root, name)) === text) continue;
    await makeFolders(files, root, dirname(name));
    await files.replaceFile(root, name, Buffer.from(text), { mode });
  }
}

/** Of a file beneath it; undefined: there is none, or it is too large to be one of ours. */
export async function textOf(
  files: Pick<Files, 'readFile'>,
  root: FileDescriptor,
  name: string,
): Promise<string | undefined> {
  try {
    return (await files.readFile(root, name, { maxBytes: MAX_BYTES })).toString('utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EFBIG') return undefined;
    throw error;
  }
}

async function makeFolders(files: Pick<Files, 'makeDirectory'>, root: FileDescriptor, folder: string): Promise<void> {
  if (folder === '.') return;
  await makeFolders(files, root, dirname(folder));
  await files.makeDirectory(root, folder, { mode: FOLDER_MODE });
}
