import { argumentError, checkAbsolutePath, checkDescriptor, checkInteger } from './arguments.js';
import type { DescriptorModule } from './contract.js';

const FLAGS: ReadonlySet<unknown> = new Set(['r', 'w', 'rw']);

/**
 * Descriptors as such. None of these blocks, but `open` of a FIFO or of a device, which sleeps as open(2) says.
 * @throws EBADF `adopt` of a number at which nothing is open, or a handle that was closed · EMFILE · ENOENT and the rest of open(2) ·
 *         EADDRINUSE, EACCES `bindTcp`
 */
export function createDescriptorModule(raw: DescriptorModule): DescriptorModule {
  return {
    adopt(number) {
      checkInteger(number, 'number', 0, 0x7fff_ffff);
      return raw.adopt(number);
    },
    pipe: () => raw.pipe(),
    streamPair: () => raw.streamPair(),
    bindTcp(port, receiveBufferBytes) {
      checkInteger(port, 'port', 0, 0xffff);
      checkInteger(receiveBufferBytes, 'receiveBufferBytes', 1, 0x3fff_ffff);
      return raw.bindTcp(port, receiveBufferBytes);
    },
    open(path, flags) {
      checkAbsolutePath(path, 'path');
      if (!FLAGS.has(flags)) throw argumentError('ERR_INVALID_ARG_VALUE', 'flags', "'r', 'w' or 'rw'", flags);
      return raw.open(path, flags);
    },
    duplicate(descriptor) {
      checkDescriptor(descriptor, 'descriptor');
      return raw.duplicate(descriptor);
    },
  };
}
