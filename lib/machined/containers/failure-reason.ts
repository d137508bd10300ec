import { errorMessage } from '../../base/errors.js';

/** What containerd, its shim and runc put before the reason, each its own. */
const WRAPPERS = /^[\s\S]*(?:OCI runtime create failed|runc create failed|unable to start container process): /;

/** Why a container could not be started, without the names of all who passed it on: a message on the console has room for one sentence. */
export function failureReason(error: unknown): string {
  return errorMessage(error)
    .replace(WRAPPERS, '')
    .replace(/: unknown$/, '');
}

const SIGKILL = 9;
/** As shells have it: 128 and the number for a signal. */
const SIGNALLED = 128;
const LAST_SIGNAL = 64;

/** How the process of a container has ended. */
export function describeEnd(status: number, isOutOfMemory: boolean): string {
  // Nobody else's SIGKILL comes together with that count.
  if (isOutOfMemory && status === SIGNALLED + SIGKILL) return 'killed: out of memory';
  const isSignal = status > SIGNALLED && status <= SIGNALLED + LAST_SIGNAL;
  return isSignal ? `killed by signal ${status - SIGNALLED}` : `exit code ${status}`;
}
