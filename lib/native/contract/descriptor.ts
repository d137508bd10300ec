/** File descriptors as handles. */

/** An owned file descriptor. Always close-on-exec. Closed at the latest when collected; `close()` is idempotent. */
export interface FileDescriptor {
  readonly isOpen: boolean;
  close(): void;
  /** Gives the number up to the caller, who now owns it; the handle is empty afterwards. For tests and node:net only. */
  releaseNumber(): number;
}

export interface DescriptorModule {
  /** Takes over a number that this process inherited (such as 3) and sets close-on-exec on it. */
  adopt(number: number): FileDescriptor;
  /** pipe2(2): [read end, write end]. */
  pipe(): [FileDescriptor, FileDescriptor];
  /** socketpair(2), AF_UNIX streams: two equal ends, each of which learns at once when the other is gone. */
  streamPair(): [FileDescriptor, FileDescriptor];
  /**
   * A TCP socket bound to `port` (0: any) of every address, IPv6 and IPv4, for node:net to listen on (`server.listen({ fd })`). Its connections get a
   * receive buffer of `receiveBufferBytes`, of which one read takes no more, where node:net reads up to 64 KiB at once and 32 times in a row
   * (socket(7), SO_RCVBUF: the kernel doubles it for its book-keeping).
   */
  bindTcp(port: number, receiveBufferBytes: number): FileDescriptor;
  /** open(2) with O_CLOEXEC of a path that the program itself chose. `flags`: 'r', 'w', 'rw'. */
  open(path: string, flags: 'r' | 'w' | 'rw'): FileDescriptor;
  duplicate(descriptor: FileDescriptor): FileDescriptor;
}
