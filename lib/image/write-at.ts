/** Writing all of something, where FileHandle.write() may write less: what still fits onto a disk that is full after that. */
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes `bytes` at `position`.
 * @throws Error of Node's own shape  when not all of it could be written
 */
export async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
