/** Messages with descriptors over SOCK_SEQPACKET. */
import type { FileDescriptor } from './descriptor.js';

/** One end of a SOCK_SEQPACKET connection. Messages keep their boundaries; descriptors travel beside them (SCM_RIGHTS). */
export interface Channel {
  /**
   * Queues and sends without blocking. False when the bounded queue is full (the message is NOT queued): the peer does not read. False, too, once the
   * end was told; to a peer that has gone and of whose end `onClose` has yet to tell, a message is as good as sent.
   * The descriptors are duplicated into the message; the caller's stay open and owned by the caller.
   */
  send(message: Uint8Array, descriptors?: FileDescriptor[]): boolean;
  /** SO_PEERCRED. */
  peer(): { pid: number; uid: number; gid: number };
  close(): void;
}

export interface ChannelHandlers {
  onMessage(message: Buffer, descriptors: FileDescriptor[]): void;
  /** Once: the peer has closed, or an error (then with it). Not called after our own `close()`. */
  onClose(error?: Error): void;
}

/** Where connections come in: a socket in the file system. */
export interface ChannelListener {
  /** Resolves when somebody waits to be accepted. Only one at a time; rejects with ECANCELED when it is closed. */
  wait(): Promise<void>;
  /** Somebody who has connected, or nobody. */
  accept(): FileDescriptor | undefined;
  /** The file stays. Idempotent. */
  close(): void;
}

export interface ChannelModule {
  pair(): [FileDescriptor, FileDescriptor];
  /** Takes over the descriptor. Messages above `maxMessageBytes` close the channel with EMSGSIZE. */
  open(socket: FileDescriptor, options: { maxMessageBytes: number }, handlers: ChannelHandlers): Channel;
  /** Makes the socket, which must not be there yet; the umask decides who may connect. */
  listen(path: string): ChannelListener;
  /** Connects to a socket that somebody listens at, without waiting to be accepted. */
  connect(path: string): FileDescriptor;
}
