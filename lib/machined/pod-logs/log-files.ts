/**
 * The files of a container's log, as the kubelet lays them out:
 *
 *     /var/log/pods/NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log                    written now
 *                                               ATTEMPT.log.YYYYMMDD-hhmmss    written before it was rotated
 *                                               ATTEMPT.log.YYYYMMDD-hhmmss.gz the same, and older
 *
 * Pods can write to none of these names, but a pod that mounts the folder can: whatever is read is a regular file beneath it, and no link is followed.
 */
import { errorCode } from '../../base/errors.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';

/** In the order in which they were written; `when` is '' for the one that is written now. */
export interface LogFile {
  name: string;
  attempt: number;
  when: string;
  isCompressed: boolean;
}

const NAME = /^(\d{1,9})\.log(?:\.(\d{8}-\d{6}))?(\.gz)?$/;

/** undefined for what is no log: a temporary file of a rotation, say. */
export function parseLogName(name: string): LogFile | undefined {
  const [, attempt, when = '', gz] = NAME.exec(name) ?? [];
  if (attempt === undefined || (gz !== undefined && when === '')) return undefined;
  return { name, attempt: Number(attempt), when, isCompressed: gz !== undefined };
}

/** The oldest first. */
export function inOrder(files: readonly LogFile[]): LogFile[] {
  const rank = ({ when }: LogFile) => (when === '' ? '~' : when);
  return files.toSorted((a, b) => a.attempt - b.attempt || (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}

/** @param folder  of one container @returns what there is of its log; nothing when the folder is gone */
export async function listLogFiles(
  files: Pick<FilesModule, 'readDirectory'>,
  folder: FileDescriptor,
): Promise<LogFile[]> {
  try {
    const entries = await files.readDirectory(folder, '.');
    return inOrder(entries.map(({ name }) => parseLogName(name)).filter((file) => file !== undefined));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A container as `osctl ps -k` names it: 'kube-system/etcd:etcd', with or without the beginning of its id behind it. */
export interface LogId {
  namespace: string;
  pod: string;
  container: string;
  /** '' for the newest of that name. */
  id: string;
}

/** Names of Kubernetes objects (RFC 1123): nothing that means anything in a path but the dot, and that never at an end. */
const LOG_ID = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):([a-z0-9][a-z0-9-]*)(?::([0-9a-f]{12,64}))?$/;

export function parseLogId(text: string): LogId | undefined {
  const [, namespace, pod, container, id = ''] = LOG_ID.exec(text) ?? [];
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  return { namespace, pod, container, id };
}

/** What a folder of /var/log/pods is the logs of; undefined for any other. */
export function parsePodFolder(name: string): { namespace: string; pod: string; uid: string } | undefined {
  const [namespace, pod, uid, ...others] = name.split('_');
  if (!namespace || !pod || !uid || others.length > 0) return undefined;
  return { namespace, pod, uid };
}
