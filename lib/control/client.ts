import type { Channel, ChannelModule, FileDescriptor } from '../native/contract.js';
import { decodeFrame, encodeRequest, type Frame } from './codec.js';
import { ControlError } from './errors.js';
import { type ControlEvent, MAX_FRAME_BYTES, type MethodName, type ReplyOf, type RequestOf } from './protocol.js';

export interface ControlClientOptions {
  channels: Pick<ChannelModule, 'open'>;
  /** Requests that may be under way at once; one more rejects with RESOURCE_EXHAUSTED. Default 64. */
  maxPending?: number;
  /** Owns the descriptors. Without it events are dropped and their descriptors closed. */
  onEvent?: (event: ControlEvent, descriptors: FileDescriptor[]) => void;
  /** Once, when the other side is gone (then with an error if there was one); not after our own `close()`. */
  onClose?: (error?: Error) => void;
}

export interface ControlReply<M extends MethodName> {
  body: ReplyOf<M>;
  /** Owned by the caller, in the order that the method names (protocol.ts). */
  descriptors: FileDescriptor[];
}

interface Pending {
  method: MethodName;
  timer: NodeJS.Timeout | undefined;
  resolve(reply: ControlReply<MethodName>): void;
  reject(error: ControlError): void;
}

const DEFAULT_MAX_PENDING = 64;
const DEFAULT_DEADLINE_MS = 10_000;

/**
 * The asking side of a control connection. Any number of requests may be under way; replies find them by id.
 * When the connection ends, whatever is under way rejects with UNAVAILABLE, and so does every later request.
 */
export class ControlClient {
  private readonly channel: Channel;
  private readonly maxPending: number;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private open = true;

  /** Takes over `socket`. */
  constructor(
    socket: FileDescriptor,
    private readonly options: ControlClientOptions,
  ) {
    this.maxPending = options.maxPending ?? DEFAULT_MAX_PENDING;
    this.channel = options.channels.open(
      socket,
      { maxMessageBytes: MAX_FRAME_BYTES },
      {
        onMessage: (message, descriptors) => this.receive(message, descriptors),
        onClose: (error) => this.ended(error),
      },
    );
  }

  get isOpen(): boolean {
    return this.open;
  }

  /**
   * Sends a request and resolves with its reply. Does not block.
   * @param deadlineMs  patience, told to the server too; default 10 s
   * @param descriptors  as many as the method takes (REQUEST_DESCRIPTORS); passed on as copies, the caller's stay its own
   * @throws ControlError  as a rejection: what the server answered · DEADLINE_EXCEEDED · UNAVAILABLE the connection is gone ·
   *   RESOURCE_EXHAUSTED too many requests under way, or the server does not read · INVALID_ARGUMENT the request is too large
   */
  request<M extends MethodName>(
    method: M,
    body: RequestOf<M>,
    {
      deadlineMs = DEFAULT_DEADLINE_MS,
      descriptors = [],
    }: { deadlineMs?: number; descriptors?: FileDescriptor[] } = {},
  ): Promise<ControlReply<M>> {
    return new Promise<ControlReply<MethodName>>((resolve, reject) => {
      if (!this.open) throw unavailable();
      if (this.pending.size >= this.maxPending) {
        throw new ControlError('RESOURCE_EXHAUSTED', `more than ${this.maxPending} requests under way`);
      }
      const id = this.nextId++;
      const message = encodeRequest(id, method, body, deadlineMs);
      if (message.length > MAX_FRAME_BYTES) {
        throw new ControlError('INVALID_ARGUMENT', `request of ${message.length} bytes`);
      }
      if (!this.channel.send(message, descriptors))
        throw new ControlError('RESOURCE_EXHAUSTED', 'the server does not read');
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new ControlError('DEADLINE_EXCEEDED', `no answer to ${method} within ${deadlineMs} ms`));
      }, deadlineMs);
      this.pending.set(id, { method, timer, resolve, reject });
    }) as Promise<ControlReply<M>>;
  }

  /** Ends the connection; requests under way reject with UNAVAILABLE. Idempotent. */
  close(): void {
    if (!this.open) return;
    this.channel.close();
    this.rejectAll();
  }

  private receive(message: Buffer, descriptors: FileDescriptor[]): void {
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      closeAll(descriptors);
      this.fail(new Error('malformed frame from the server', { cause: error }));
      return;
    }
    switch (frame.kind) {
      case 'reply':
      case 'failure':
        this.settle(frame, descriptors);
        return;
      case 'event':
        if (this.options.onEvent) this.options.onEvent(frame.event, descriptors);
        else closeAll(descriptors);
        return;
      case 'unknown-event':
        closeAll(descriptors);
        return;
      default:
        closeAll(descriptors);
        this.fail(new Error('the server sent a request'));
    }
  }

  private settle(frame: Extract<Frame, { kind: 'reply' | 'failure' }>, descriptors: FileDescriptor[]): void {
    const pending = this.pending.get(frame.id);
    if (!pending) {
      // Past its deadline: nobody wants it any more.
      closeAll(descriptors);
      return;
    }
    this.pending.delete(frame.id);
    clearTimeout(pending.timer);
    if (frame.kind === 'failure') {
      closeAll(descriptors);
      pending.reject(frame.error);
    } else if (frame.method !== pending.method) {
      closeAll(descriptors);
      pending.reject(new ControlError('INTERNAL', `${pending.method} was answered by ${frame.method}`));
    } else {
      pending.resolve({ body: frame.body, descriptors });
    }
  }

  private fail(error: Error): void {
    if (!this.open) return;
    this.channel.close();
    this.ended(error);
  }

  private ended(error?: Error): void {
    if (!this.open) return;
    this.rejectAll(error);
    this.options.onClose?.(error);
  }

  private rejectAll(cause?: Error): void {
    this.open = false;
    const left = [...this.pending.values()];
    this.pending.clear();
    for (const pending of left) {
      clearTimeout(pending.timer);
      pending.reject(unavailable(cause));
    }
  }
}

function unavailable(cause?: Error): ControlError {
  return new ControlError('UNAVAILABLE', 'the control connection is closed', cause && { cause });
}

function closeAll(descriptors: FileDescriptor[]): void {
  for (const descriptor of descriptors) descriptor.close();
}
