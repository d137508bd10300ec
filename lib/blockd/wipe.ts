import { GIB } from '../base/units.js';
import type { WipeMethod } from '../control/protocol.js';
import type { BlockModule, FileDescriptor } from '../native/contract.js';

/** What is zeroed with one call: between two of them it can be given up. */
const STEP_BYTES = GIB;

/**
 * Makes a device look like nothing, or zeroes all of it, and has the medium know. Takes as long as the device does.
 * @param device  exclusively opened, to read and write
 * @returns names of the marks that were there
 * @throws what the device fails with · the reason of `signal`, and then what is not zeroed yet is still there, without marks
 */
export async function wipe(
  block: Pick<BlockModule, 'erase' | 'flush' | 'info' | 'wipeSignatures'>,
  device: FileDescriptor,
  method: WipeMethod,
  signal: AbortSignal,
): Promise<string[]> {
  const marks = await block.wipeSignatures(device);
  if (method === 'ZEROES') {
    const { sizeBytes } = await block.info(device);
    for (let offset = 0; offset < sizeBytes; offset += STEP_BYTES) {
      signal.throwIfAborted();
      await block.erase(device, 'zero', offset, Math.min(STEP_BYTES, sizeBytes - offset));
    }
  }
  await block.flush(device);
  return marks.map(({ name }) => name);
}
