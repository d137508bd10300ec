import { errorCode } from '../../../base/errors.js';
import { KIB } from '../../../base/units.js';
import { machine } from '../../../gen/machine/machine.js';
import type { FileKind } from '../../../native/contract.js';
import { fileProblem } from './failures.js';
import { goFileMode } from './go-file-mode.js';
import { lenientNodePath } from './node-path.js';
import type { FileSources } from './read-file.js';
import { type WalkedFile, walkTree } from './walk-tree.js';

type FileInfo = machine.FileInfo.$Properties;
type Xattr = machine.Xattr.$Properties;

const SECOND_MS = 1000;
const KINDS: Readonly<Record<number, FileKind>> = {
  [machine.ListRequest.Type.REGULAR]: 'file',
  [machine.ListRequest.Type.DIRECTORY]: 'directory',
  [machine.ListRequest.Type.SYMLINK]: 'link',
};

/** Names and values of the extended attributes of one file; a security label, a capability set and an access list have far less. */
const MAX_ATTRIBUTE_BYTES = 64 * KIB;
/** Attributes that say what a file is. Of others only the name is told: their values are contents, and List is for readers. */
const TOLD_VALUES = /^(security|system)\./;

/** List: names and what a name is, never what is in a file. Of a directory first itself, by the name '.'. */
export async function* listFiles(
  { files, root, signal }: FileSources,
  request: machine.ListRequest.$Properties,
): AsyncGenerator<FileInfo, void, undefined> {
  const path = lenientNodePath(request.root ?? '');
  const wanted = new Set((request.types ?? []).map((type) => KINDS[type]));
  for await (const step of walkTree(files, root, { path, maxDepth: depthOf(request), signal })) {
    if (step.kind === 'problem') yield { name: step.path, relativeName: step.relative, error: step.text };
    if (step.kind !== 'file') continue;
    if (wanted.size > 0 && !wanted.has(step.file.status.kind)) continue;
    if (!request.reportXattrs) {
      yield fileInfo(step.file);
      continue;
    }
    const { xattrs, problem } = await attributesOf({ files, root }, step.file);
    yield { ...fileInfo(step.file), xattrs };
    if (problem !== undefined) yield { name: step.file.path, relativeName: step.file.relative, error: problem };
  }
}

/** What can be said of a file is said, also when its attributes cannot be read. */
async function attributesOf(
  { files, root }: Pick<FileSources, 'files' | 'root'>,
  { bytes }: WalkedFile,
): Promise<{ xattrs: Xattr[]; problem?: string }> {
  try {
    const found = await files.attributes(root, bytes, { maxBytes: MAX_ATTRIBUTE_BYTES });
    return { xattrs: found.map(({ name, value }) => (TOLD_VALUES.test(name) ? { name, data: value } : { name })) };
  } catch (error) {
    const told = fileProblem(error);
    if (told === undefined) throw error;
    const code = errorCode(error);
    // What is gone by now, or is another file by now, has none.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return { xattrs: [] };
    const why = code === 'EOVERFLOW' ? `they have more than ${MAX_ATTRIBUTE_BYTES / KIB} KiB` : told.text;
    return { xattrs: [], problem: `its extended attributes cannot be shown: ${why}` };
  }
}

/** 1: what is in the directory that was asked for. */
function depthOf({ recurse, recursionDepth = 0 }: machine.ListRequest.$Properties): number {
  if (!recurse) return 1;
  return recursionDepth && recursionDepth > 0 ? recursionDepth : Number.POSITIVE_INFINITY;
}

function fileInfo({ path, relative, status, target }: WalkedFile): FileInfo {
  return {
    name: path,
    relativeName: relative,
    size: status.sizeBytes,
    mode: goFileMode(status),
    modified: Math.floor(status.modifiedMs / SECOND_MS),
    isDir: status.kind === 'directory',
    uid: status.uid,
    gid: status.gid,
    ...(target === undefined ? {} : { link: target }),
  };
}
