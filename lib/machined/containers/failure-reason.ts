import { errorMessage } from '../../base/errors.js';

/** What containerd, its shim and runc put before the reason, each its own. */
const WRAPPERS = /^[\s\S]*(?:OCI runtime create failed|runc create failed|unable to start container process): /;

/** Why a container could not be started, without the names of all who passed it on: a message on the console has room for one sentence. */
export function failureReason(error: unknown): string {
  return errorMessage(error)
    .replace(WRAPPERS, '')
    .replace(/: unknown$/, '');
}
