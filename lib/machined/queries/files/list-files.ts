import { machine } from '../../../gen/machine/machine.js';
import type { FileKind } from '../../../native/contract.js';
import { goFileMode } from './go-file-mode.js';
import { lenientNodePath } from './node-path.js';
import type { FileSources } from './read-file.js';
import { type WalkedFile, walkTree } from './walk-tree.js';

type FileInfo = machine.FileInfo.$Properties;

const SECOND_MS = 1000;
const KINDS: Readonly<Record<number, FileKind>> = {
  [machine.ListRequest.Type.REGULAR]: 'file',
  [machine.ListRequest.Type.DIRECTORY]: 'directory',
  [machine.ListRequest.Type.SYMLINK]: 'link',
};

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
    if (wanted.size === 0 || wanted.has(step.file.status.kind)) yield fileInfo(step.file);
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
