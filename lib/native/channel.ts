import {
  argumentError,
  checkAbsolutePath,
  checkDescriptor,
  checkFunction,
  checkInteger,
  checkObject,
} from './arguments.js';
import type { Channel, ChannelListener, ChannelModule, FileDescriptor } from './contract.js';

/** What the addon itself exports. */
export interface RawChannel {
  send(message: Uint8Array, descriptors: FileDescriptor[]): boolean;
  /** pid, uid, gid. */
  peer(): [number, number, number];
  close(): void;
}

export interface RawChannelModule {
  pair(): [FileDescriptor, FileDescriptor];
  open(
    socket: FileDescriptor,
    maxMessageBytes: number,
    onMessage: (message: Buffer, descriptors: FileDescriptor[]) => void,
    onClose: (error?: Error) => void,
  ): RawChannel;
  listen(path: string): ChannelListener;
  connect(path: string): FileDescriptor;
}

const MAX_MESSAGE_BYTES = 2 ** 20;
/** Same as kMaxDescriptors in native/sys/socket_calls.h. */
export const MAX_DESCRIPTORS = 16;
const NO_DESCRIPTORS: FileDescriptor[] = [];

/**
 * Connections of SOCK_SEQPACKET, unix(7). An open channel keeps the process alive, as Node's own sockets do. Nothing here blocks.
 *
 * `send` to a peer that is gone answers false; `onClose` tells. What a handler throws is an uncaught exception of the process.
 * `onClose` gets EMSGSIZE when the peer broke the bound, EMFILE when descriptors of a message were lost, ECONNRESET when the
 * peer went away without reading all we sent.
 * @throws EINVAL `open` of something else than a SOCK_SEQPACKET socket · EMSGSIZE `send` of a message above `maxMessageBytes` · EBADF
 *   `peer` of a closed channel · EMFILE · EADDRINUSE `listen` · ENOENT, ECONNREFUSED `connect` to where nobody listens, EAGAIN where too many
 *   wait already · ENAMETOOLONG a path of more than 107 bytes · ECANCELED `accept` and `wait` of a closed listener
 */
export function createChannelModule(raw: RawChannelModule): ChannelModule {
  return {
    pair: () => raw.pair(),
    open(socket, options, handlers) {
      checkDescriptor(socket, 'socket');
      checkObject(options, 'options');
      checkInteger(options.maxMessageBytes, 'options.maxMessageBytes', 1, MAX_MESSAGE_BYTES);
      checkObject(handlers, 'handlers');
      checkFunction(handlers.onMessage, 'handlers.onMessage');
      checkFunction(handlers.onClose, 'handlers.onClose');
      return wrapChannel(
        raw.open(
          socket,
          options.maxMessageBytes,
          (message, descriptors) => handlers.onMessage(message, descriptors),
          (error) => handlers.onClose(error),
        ),
      );
    },
    listen(path) {
      checkAbsolutePath(path, 'path');
      const listener = raw.listen(path);
      return { wait: () => listener.wait(), accept: () => listener.accept(), close: () => listener.close() };
    },
    connect(path) {
      checkAbsolutePath(path, 'path');
      return raw.connect(path);
    },
  };
}

function wrapChannel(channel: RawChannel): Channel {
  return {
    send(message, descriptors = NO_DESCRIPTORS) {
      if (!(message instanceof Uint8Array)) {
        throw argumentError('ERR_INVALID_ARG_TYPE', 'message', 'a Uint8Array', message);
      }
      // The other side could not tell an empty message from the end.
      if (message.length === 0) throw argumentError('ERR_INVALID_ARG_VALUE', 'message', 'not empty', message);
      if (!Array.isArray(descriptors) || descriptors.length > MAX_DESCRIPTORS) {
        throw argumentError(
          Array.isArray(descriptors) ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE',
          'descriptors',
          `an array of at most ${MAX_DESCRIPTORS}`,
          descriptors,
        );
      }
      for (const descriptor of descriptors) checkDescriptor(descriptor, 'descriptors');
      return channel.send(message, descriptors);
    },
    peer() {
      const [pid, uid, gid] = channel.peer();
      return { pid, uid, gid };
    },
    close: () => channel.close(),
  };
}
