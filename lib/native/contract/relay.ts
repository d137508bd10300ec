/** Connections whose bytes go to each other without JavaScript. */
import type { FileDescriptor } from './descriptor.js';

/** Two connections, from their hand-over to their end. Keeps the process alive, as Node's own sockets do. */
export interface NativeRelay {
  /** Delivered so far, both ways. Also after the end. */
  bytes(): number;
  /** Resets both sides; `onOver` is not called then. Idempotent. */
  abort(): void;
}

export interface RelayHandlers {
  /** One side has ended what it sends, and the other has been told. At most once. */
  onHalfClosed(): void;
  /** Both have ended, or one was reset, and then the other is reset too. At most once. */
  onOver(): void;
}

export interface RelayModule {
  /**
   * Moves what either side sends to the other, in a thread of the addon's own, ends included. A side that does not take what was read keeps
   * the other from being read: at most 64 KiB a way are held.
   *
   * Takes over both. Nothing may be left in buffers of whoever had them before.
   * @param one, other  connected stream sockets
   * @throws EBADF · ENOMEM
   */
  start(one: FileDescriptor, other: FileDescriptor, handlers: RelayHandlers): NativeRelay;
}
