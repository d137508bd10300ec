/** What osctl touches of the world besides files and network; tests put something else in its place. */
import { once } from 'node:events';

/** A stream that text or bytes are written to. */
export interface Sink {
  write(chunk: string | Uint8Array): boolean;
  readonly isTTY?: boolean | undefined;
}

export interface Io {
  /** Results. */
  stdout: Sink & NodeJS.WritableStream;
  /** Talk: progress, warnings, errors. */
  stderr: Sink;
  env: NodeJS.ProcessEnv;
  /** Aborted when nobody takes results any more: what is under way for them is to end. */
  abandoned?: AbortSignal;
}

/** The process's own. */
export function processIo(abandoned = new AbortController().signal): Io {
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, abandoned };
}

/** Streams that are written faster than they take it, and when each has room again: one wait for all who write to it. */
const waits = new WeakMap<NodeJS.WritableStream, Promise<void>>();

/** Resolves as soon as the stream takes more: what is made for it before that would only be held. */
export async function untilRoom(stdout: Io['stdout']): Promise<void> {
  const stream = stdout as NodeJS.WriteStream;
  while (stream.writableNeedDrain) await hasDrained(stream);
}

/** Writes several chunks in as few system calls as possible, and waits while the reader is slower than we are. */
export async function writeChunks(stdout: Io['stdout'], chunks: readonly (string | Uint8Array)[]): Promise<void> {
  if (chunks.length === 0) return;
  const stream = stdout as NodeJS.WriteStream;
  if (chunks.length > 1) stream.cork();
  let isRead = true;
  for (const chunk of chunks) isRead = stream.write(chunk);
  if (chunks.length > 1) stream.uncork();
  if (!isRead && stream.writableNeedDrain) await hasDrained(stream);
}

function hasDrained(stream: NodeJS.WriteStream): Promise<void> {
  let wait = waits.get(stream);
  if (wait === undefined) {
    wait = once(stream, 'drain').then(
      () => void waits.delete(stream),
      (error: unknown) => {
        waits.delete(stream);
        throw error;
      },
    );
    waits.set(stream, wait);
  }
  return wait;
}
