import type { Channel, ChannelHandlers, ChannelModule, FileDescriptor } from '../../../lib/native/contract.js';

/** A descriptor that stands for nothing; knows whether it was closed or taken over. */
export class FakeDescriptor implements FileDescriptor {
  isOpen = true;
  isTakenOver = false;
  peer: FakeDescriptor | undefined;
  channel: FakeChannel | undefined;
  /** What the other end sent before this one was opened. */
  readonly waiting: { message: Buffer; descriptors: FileDescriptor[] }[] = [];

  constructor(readonly name: string) {}

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (!this.isTakenOver) this.hangUp();
  }

  releaseNumber(): number {
    throw new Error('a fake has no number');
  }

  hangUp(): void {
    const far = this.peer?.channel;
    if (far) setImmediate(() => far.peerClosed());
  }
}

/** One end of an in-memory connection with the rules of the contract: boundaries kept, delivered later, never re-entrant. */
class FakeChannel implements Channel {
  private isOpen = true;

  constructor(
    private readonly end: FakeDescriptor,
    private readonly module: FakeChannels,
    private readonly handlers: ChannelHandlers,
    private readonly maxMessageBytes: number,
  ) {
    for (const { message, descriptors } of end.waiting.splice(0)) this.deliver(message, descriptors);
    if (end.peer && !end.peer.isOpen && !end.peer.isTakenOver) setImmediate(() => this.peerClosed());
  }

  send(message: Uint8Array, descriptors: FileDescriptor[] = []): boolean {
    if (this.module.isFull) return false;
    const copies = descriptors.map((descriptor) => this.module.duplicate(descriptor as FakeDescriptor));
    const bytes = Buffer.from(message);
    if (this.end.peer?.channel) this.end.peer.channel.deliver(bytes, copies);
    else this.end.peer?.waiting.push({ message: bytes, descriptors: copies });
    return true;
  }

  deliver(message: Buffer, descriptors: FileDescriptor[]): void {
    setImmediate(() => {
      if (!this.isOpen) return;
      if (message.length > this.maxMessageBytes) this.peerClosed(new Error('EMSGSIZE'));
      else this.handlers.onMessage(message, descriptors);
    });
  }

  peerClosed(error?: Error): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.handlers.onClose(error);
  }

  peer() {
    return { pid: 1, uid: 0, gid: 0 };
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.end.hangUp();
  }
}

export class FakeChannels implements Pick<ChannelModule, 'pair' | 'open'> {
  /** Makes every `send` fail, as towards a peer that does not read. */
  isFull = false;
  /** Copies made for messages, to find those that nobody closed. */
  readonly copies: FakeDescriptor[] = [];

  pair(): [FakeDescriptor, FakeDescriptor] {
    const ends: [FakeDescriptor, FakeDescriptor] = [new FakeDescriptor('left'), new FakeDescriptor('right')];
    ends[0].peer = ends[1];
    ends[1].peer = ends[0];
    return ends;
  }

  open(socket: FileDescriptor, options: { maxMessageBytes: number }, handlers: ChannelHandlers): Channel {
    const end = socket as FakeDescriptor;
    end.isTakenOver = true;
    end.isOpen = false;
    end.channel = new FakeChannel(end, this, handlers, options.maxMessageBytes);
    return end.channel;
  }

  /** Shares the connection, as dup(2) does. */
  duplicate(descriptor: FakeDescriptor): FakeDescriptor {
    const copy = new FakeDescriptor(`${descriptor.name} (copy)`);
    copy.peer = descriptor.peer;
    if (descriptor.peer) descriptor.peer.peer = copy;
    // The sender closes its own after this; the connection lives on in the copy.
    descriptor.isTakenOver = true;
    for (const item of descriptor.waiting.splice(0)) copy.waiting.push(item);
    this.copies.push(copy);
    return copy;
  }
}
