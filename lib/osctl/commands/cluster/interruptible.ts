import { TalosError } from '../../../base/errors.js';

/** Ctrl-C, and what ends programs. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Work that leaves things behind when it is cut off: it is told to end, and takes back what it has begun. A second signal ends the process at once.
 * @param work  ends with the reason of its signal
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const stopListening = () => {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  };
  const interrupt = (signal: NodeJS.Signals) => {
    stopListening();
    interrupted.abort(new TalosError('ERR_INTERRUPTED', `interrupted by ${signal}`));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(interrupted.signal);
  } finally {
    stopListening();
  }
}
