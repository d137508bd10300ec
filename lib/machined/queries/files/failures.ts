/** Failed system calls on files, as what a client is told. */
import { posix } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { errorCode } from '../../../base/errors.js';
import { ControlError, type FailureKind } from '../../../control/errors.js';
import type { FileDescriptor, FilesModule } from '../../../native/contract.js';
import { beneathRoot } from './node-path.js';

interface Told {
  kind: FailureKind;
  text: string;
}

const TOLD: Readonly<Record<string, Told>> = {
  ENOENT: { kind: 'NOT_FOUND', text: 'no such file or directory' },
  ENOTDIR: { kind: 'FAILED_PRECONDITION', text: 'a part of the path is a file and not a directory' },
  EISDIR: { kind: 'FAILED_PRECONDITION', text: 'it is a directory: use ls or cp' },
  ELOOP: { kind: 'FAILED_PRECONDITION', text: 'a symbolic link is in the path, and links are not followed' },
  ENAMETOOLONG: { kind: 'INVALID_ARGUMENT', text: 'the path, or a name in it, is too long' },
  EOVERFLOW: { kind: 'RESOURCE_EXHAUSTED', text: 'it has too many entries to be listed' },
  ETIMEDOUT: { kind: 'DEADLINE_EXCEEDED', text: 'the file system behind it does not answer' },
  EAGAIN: { kind: 'UNAVAILABLE', text: 'its directories kept being renamed: try again' },
  EMFILE: { kind: 'RESOURCE_EXHAUSTED', text: 'too many files are open: try again later' },
  ENOMEM: { kind: 'RESOURCE_EXHAUSTED', text: 'the node is short of memory: try again later' },
};

/** Why a file could not be looked at, in words; undefined for what is no failed system call. */
export function fileProblem(error: unknown): Told | undefined {
  const code = errorCode(error);
  if (!(error instanceof Error) || code === undefined || !('syscall' in error)) return undefined;
  // EINVAL of an open is the module's own word for what is no regular file, and of anything else the kernel's.
  if (code === 'EINVAL' && 'stage' in error && typeof error.stage === 'string') {
    return { kind: 'FAILED_PRECONDITION', text: error.stage };
  }
  return describeCode(code);
}

export function describeCode(code: string): Told {
  const known = TOLD[code];
  if (known) return known;
  const [, text] = [...getSystemErrorMap().values()].find(([name]) => name === code) ?? [code, code];
  return { kind: 'FAILED_PRECONDITION', text: `the kernel refuses it (${text})` };
}

/** What is thrown to the client about the path that it asked for. A link in it is named, with the path to ask for instead. */
export async function fileFailure(
  files: FilesModule,
  root: FileDescriptor,
  path: string,
  error: unknown,
): Promise<unknown> {
  const told = fileProblem(error);
  if (told === undefined) return error;
  const link = errorCode(error) === 'ELOOP' ? await linkIn(files, root, path) : undefined;
  return new ControlError(told.kind, link ?? `${path}: ${told.text}`, { cause: error });
}

/** A sentence about the first link in the path; undefined if there is none any more. */
async function linkIn(files: FilesModule, root: FileDescriptor, path: string): Promise<string | undefined> {
  const names = path.split('/').slice(1);
  for (let count = 1; count <= names.length; count++) {
    const part = `/${names.slice(0, count).join('/')}`;
    try {
      if ((await files.stat(root, beneathRoot(part))).kind !== 'link') continue;
      const target = await files.readLink(root, beneathRoot(part));
      const said = `${part} is a symbolic link to ${target}, and links are not followed`;
      // Of a process: its target is as that process sees it, or no path at all.
      if (/^\/proc\/\d+\//.test(part)) return said;
      return `${said}: ask for ${posix.join(posix.resolve(posix.dirname(part), target), ...names.slice(count))}`;
    } catch {
      return undefined;
    }
  }
  return undefined;
}
