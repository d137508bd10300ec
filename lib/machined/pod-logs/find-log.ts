import { errorCode } from '../../base/errors.js';
import { ControlError } from '../../control/errors.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';
import { type LogId, listLogFiles, parseLogId, parsePodFolder } from './log-files.js';

type Files = Pick<FilesModule, 'openDirectory' | 'readDirectory' | 'stat'>;

export interface FoundLog {
  /** Of the container. Owned by the caller. */
  folder: FileDescriptor;
  /** Its path below the folder of all logs. */
  path: string;
  /** The run of the container that was asked for; undefined: the newest, and those that follow it. */
  attempt: number | undefined;
}

/** How many containers of that name were made after the one with that id, in the same pod; undefined: it is not known. */
export type RunsSince = (id: LogId, uid: string) => Promise<number | undefined>;

/**
 * Finds the log that a client asks for. A pod that was made anew under its name has another folder: the one that changed last counts.
 * @param root  /var/log/pods
 * @throws ControlError  NOT_FOUND, with the logs that there are · INVALID_ARGUMENT
 */
export async function findLog(
  files: Files,
  root: FileDescriptor,
  text: string,
  runsSince: RunsSince,
): Promise<FoundLog> {
  const id = parseLogId(text);
  const pods = await podFolders(files, root);
  if (id === undefined) {
    throw new ControlError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)} is no container: they are named NAMESPACE/POD:CONTAINER`,
    );
  }
  let newest: { path: string; uid: string; modifiedMs: number } | undefined;
  for (const { name, namespace, pod, uid } of pods) {
    if (namespace !== id.namespace || pod !== id.pod) continue;
    const path = `${name}/${id.container}`;
    const modifiedMs = await modified(files, root, path);
    if (modifiedMs !== undefined && modifiedMs >= (newest?.modifiedMs ?? 0)) newest = { path, uid, modifiedMs };
  }
  if (newest === undefined) {
    const there = await logIds(files, root, pods);
    throw new ControlError(
      'NOT_FOUND',
      `no log ${JSON.stringify(text)}; there are ${there.join(', ') || 'none of pods'}`,
    );
  }
  const folder = await files.openDirectory(root, newest.path);
  try {
    return { folder, path: newest.path, attempt: await attemptOf(files, folder, id, newest.uid, runsSince) };
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function attemptOf(
  files: Files,
  folder: FileDescriptor,
  id: LogId,
  uid: string,
  runsSince: RunsSince,
): Promise<number | undefined> {
  if (id.id === '') return undefined;
  const later = await runsSince(id, uid);
  const newest = (await listLogFiles(files, folder)).at(-1);
  if (later === undefined || newest === undefined) {
    throw new ControlError(
      'NOT_FOUND',
      `no container ${id.id} of ${id.namespace}/${id.pod}:${id.container} is there any more`,
    );
  }
  return newest.attempt - later;
}

async function podFolders(files: Files, root: FileDescriptor) {
  const entries = await files.readDirectory(root, '.');
  return entries.flatMap(({ name, kind }) => {
    const pod = kind === 'directory' ? parsePodFolder(name) : undefined;
    return pod === undefined ? [] : [{ name, ...pod }];
  });
}

/** undefined: it is no folder. */
async function modified(files: Files, root: FileDescriptor, path: string): Promise<number | undefined> {
  try {
    const { kind, modifiedMs } = await files.stat(root, path);
    return kind === 'directory' ? modifiedMs : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function logIds(
  files: Files,
  root: FileDescriptor,
  pods: Awaited<ReturnType<typeof podFolders>>,
): Promise<string[]> {
  const ids: string[] = [];
  for (const { name, namespace, pod } of pods) {
    const entries = await files.readDirectory(root, name).catch(() => []);
    for (const entry of entries) if (entry.kind === 'directory') ids.push(`${namespace}/${pod}:${entry.name}`);
  }
  return ids.sort();
}
