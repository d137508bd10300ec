/** Paths that clients send. */
import { posix } from 'node:path';
import { ControlError } from '../../../control/errors.js';

/** Of Linux, with the NUL behind it. */
const PATH_MAX = 4096;

/**
 * An absolute path without '.', '..' and doubled slashes. By its text alone: where a link is in it the kernel refuses it later, so it makes no
 * difference that '..' behind a link would have led elsewhere.
 * @throws ControlError  INVALID_ARGUMENT
 */
export function nodePath(text: string): string {
  if (!text.startsWith('/')) {
    throw new ControlError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no absolute path: begin it with a slash`);
  }
  if (text.includes('\0')) throw new ControlError('INVALID_ARGUMENT', 'the path has a null byte in it');
  if (Buffer.byteLength(text) >= PATH_MAX) {
    throw new ControlError('INVALID_ARGUMENT', `the path is longer than ${PATH_MAX - 1} bytes`);
  }
  const path = posix.normalize(text);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** As `nodePath`; what does not begin with a slash begins at the root, as talosctl's users know it of lists. Empty: the root. */
export function lenientNodePath(text: string): string {
  return nodePath(text.startsWith('/') ? text : `/${text}`);
}

/** The path as one beneath the root folder, for the native module. */
export function beneathRoot(path: string): string {
  return path === '/' ? '.' : path.slice(1);
}
