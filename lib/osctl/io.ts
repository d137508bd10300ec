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
}

/** The process's own. */
export function processIo(): Io {
  return { stdout: process.stdout, stderr: process.stderr, env: process.env };
}

/** Writes several chunks in as few system calls as possible, and waits while the reader is slower than we are. */
export async function writeChunks(stdout: Io['stdout'], chunks: readonly (string | Uint8Array)[]): Promise<void> {
  const stream = stdout as NodeJS.WriteStream;
  if (chunks.length > 1) stream.cork();
  let hasRoom = true;
  for (const chunk of chunks) hasRoom = stream.write(chunk);
  if (chunks.length > 1) stream.uncork();
  if (!hasRoom && stream.writableNeedDrain) await once(stream, 'drain');
}
