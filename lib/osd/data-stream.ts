import { Metadata } from '@grpc/grpc-js';
import type { DataMessage } from './data-message.js';

/** What a stream of grpc-js offers, as far as this needs it. */
export interface WritableCall {
  sendMetadata(metadata: Metadata): void;
  write(message: DataMessage, callback: (error?: Error | null) => void): boolean;
}

/**
 * Sends the messages of one stream, at most `maxInFlight` at once: a message counts until HTTP/2 has taken it, and that waits for the
 * client's window. So a slow client holds back the loop that feeds it, and a gone one ends it.
 */
export class DataStream {
  private inFlight = 0;
  private wake: (() => void) | undefined;
  private error: Error | undefined;

  constructor(
    private readonly call: WritableCall,
    private readonly maxInFlight: number,
    readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.wake?.(), { once: true });
  }

  /** Tells the client that it was let in, which it would learn only with the first message otherwise: a followed log may be quiet. */
  open(): void {
    this.call.sendMetadata(new Metadata());
  }

  /** Resolves when one more message may be sent. @throws the reason of the abort, or the stream's error */
  async ready(): Promise<void> {
    while (this.inFlight >= this.maxInFlight && !this.isOver()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.check();
  }

  /**
   * Sends one message; call only after `ready()`.
   * @param done  when the message's memory may be used again
   */
  send(message: DataMessage, done?: () => void): void {
    this.inFlight += 1;
    this.call.write(message, (error) => {
      this.inFlight -= 1;
      if (error) this.error ??= error;
      done?.();
      this.wake?.();
    });
  }

  /** Resolves when everything sent has been taken. */
  async flushed(): Promise<void> {
    while (this.inFlight > 0 && !this.isOver()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.check();
  }

  private isOver(): boolean {
    return this.signal.aborted || this.error !== undefined;
  }

  private check(): void {
    this.signal.throwIfAborted();
    if (this.error) throw this.error;
  }
}
