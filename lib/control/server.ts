import { MAX_TIMER_MS } from '../base/units.js';
import type { Channel, ChannelModule, FileDescriptor } from '../native/contract.js';
import { decodeFrame, encodeEvent, encodeFailure, encodeReply, type Frame } from './codec.js';
import { ControlError, type FailureKind } from './errors.js';
import {
  type ControlEvent,
  MAX_FRAME_BYTES,
  type MethodName,
  REQUEST_DESCRIPTORS,
  type ReplyOf,
  type RequestOf,
} from './protocol.js';

export interface HandlerResult<M extends MethodName> {
  body: ReplyOf<M>;
  /** Passed to the peer and closed here afterwards, whether or not the reply could be sent. */
  descriptors?: FileDescriptor[];
}

export interface CallContext {
  /** Service id of the peer, known from the connection itself. */
  peer: string;
  connection: ServerConnection;
  /** Aborted when the peer is gone or its deadline has passed: nobody waits for the result any more. */
  signal: AbortSignal;
  /** The peer's patience, counted from the arrival of the request; 0 when it named none. */
  deadlineMs: number;
  /** As many as the method takes (REQUEST_DESCRIPTORS). They are closed when the handler is through, before the peer is answered. */
  descriptors: readonly FileDescriptor[];
}

/** A method that is absent is not served here. A handler fails by throwing; ControlError chooses what the peer is told. */
export type Handlers = {
  readonly [M in MethodName]?: (
    request: RequestOf<M>,
    context: CallContext,
  ) => HandlerResult<M> | Promise<HandlerResult<M>>;
};

/** Which peers may call a method. What is not listed is denied. */
export type AllowList = { readonly [M in MethodName]?: readonly string[] };

export interface ControlServerOptions {
  channels: Pick<ChannelModule, 'open'>;
  handlers: Handlers;
  allow: AllowList;
  /** One line about a connection that was cut or a request that failed inside. */
  log: (text: string) => void;
  /** Requests of one connection that may be under way at once. Default 64. */
  maxRunning?: number;
}

const DEFAULT_MAX_RUNNING = 64;

/** The answering side: any number of connections, each with the name of the peer at its other end. */
export class ControlServer {
  constructor(readonly options: ControlServerOptions) {}

  /** Takes over `socket` and serves it until either side closes. */
  accept(socket: FileDescriptor, peer: string): ServerConnection {
    return new ServerConnection(socket, peer, this.options);
  }
}

interface Running {
  controller: AbortController;
  timer: NodeJS.Timeout | undefined;
}

/** One peer's connection. */
export class ServerConnection {
  private readonly channel: Channel;
  private readonly running = new Map<number, Running>();
  private readonly denied = new Set<MethodName>();
  private readonly closeListeners = new Set<() => void>();
  private open = true;

  constructor(
    socket: FileDescriptor,
    readonly peer: string,
    private readonly options: ControlServerOptions,
  ) {
    this.channel = options.channels.open(
      socket,
      { maxMessageBytes: MAX_FRAME_BYTES },
      {
        onMessage: (message, descriptors) => this.receive(message, descriptors),
        onClose: (error) => {
          if (error) this.options.log(`control connection of ${this.peer} failed: ${error.message}`);
          this.ended();
        },
      },
    );
  }

  get isOpen(): boolean {
    return this.open;
  }

  /**
   * Runs `listener` once when the connection is over, whoever ended it; at once if it is over already.
   * @returns takes it back: for what is over before the connection, which may live as long as the node
   */
  onClose(listener: () => void): () => void {
    if (this.open) this.closeListeners.add(listener);
    else listener();
    return () => this.closeListeners.delete(listener);
  }

  /**
   * Tells the peer something unasked. The descriptors stay the caller's.
   * @returns false when the peer is gone or does not read
   */
  sendEvent(event: ControlEvent, descriptors: FileDescriptor[] = []): boolean {
    return this.open && this.channel.send(encodeEvent(event), descriptors);
  }

  /** Idempotent. */
  close(): void {
    if (!this.open) return;
    this.channel.close();
    this.ended();
  }

  private ended(): void {
    if (!this.open) return;
    this.open = false;
    for (const { controller, timer } of this.running.values()) {
      clearTimeout(timer);
      controller.abort();
    }
    this.running.clear();
    for (const listener of this.closeListeners) listener();
  }

  private cut(why: string): void {
    this.options.log(`control connection of ${this.peer} closed: ${why}`);
    this.close();
  }

  private receive(message: Buffer, descriptors: FileDescriptor[]): void {
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      closeAll(descriptors);
      this.cut(`malformed frame (${(error as Error).message})`);
      return;
    }
    // Whoever sends some that nobody takes must not fill our table with them.
    const isTaken = frame.kind === 'request' && this.takes(frame.method, descriptors.length);
    if (!isTaken) closeAll(descriptors);
    if (!isTaken && descriptors.length > 0) this.cut('descriptors beside a request');
    else if (frame.kind === 'unknown-request') this.fail(frame.id, 'INVALID_ARGUMENT', 'unknown method');
    else if (frame.kind !== 'request') this.cut(`unexpected ${frame.kind}`);
    else if (this.running.has(frame.id)) {
      closeAll(descriptors);
      this.cut('request id in use');
    } else if (isTaken) void this.serve(frame, descriptors);
    else this.fail(frame.id, 'INVALID_ARGUMENT', 'its descriptors are missing');
  }

  /** One that may not call a method is told so; what it sends beside the request is not taken. */
  private takes(method: MethodName, count: number): boolean {
    return count === (this.mayCall(method) ? (REQUEST_DESCRIPTORS[method] ?? 0) : 0);
  }

  private mayCall(method: MethodName): boolean {
    return this.options.allow[method]?.includes(this.peer) ?? false;
  }

  private async serve(frame: Extract<Frame, { kind: 'request' }>, descriptors: FileDescriptor[]): Promise<void> {
    const { id, method, body, deadlineMs } = frame;
    if (!this.mayCall(method)) {
      // Once a method: a peer that keeps asking must not push everything else out of the log.
      if (!this.denied.has(method)) this.options.log(`${this.peer} may not call ${method}`);
      this.denied.add(method);
      this.fail(id, 'PERMISSION_DENIED', `${this.peer} may not call ${method}`);
      return;
    }
    if (this.running.size >= (this.options.maxRunning ?? DEFAULT_MAX_RUNNING)) {
      closeAll(descriptors);
      this.fail(id, 'RESOURCE_EXHAUSTED', 'too many requests under way');
      return;
    }
    const controller = new AbortController();
    const timer =
      deadlineMs > 0 ? setTimeout(() => this.expire(id, controller), Math.min(deadlineMs, MAX_TIMER_MS)) : undefined;
    this.running.set(id, { controller, timer });
    // After its deadline the peer may use the id for another request.
    const isWanted = () => this.running.get(id)?.controller === controller;
    let result: HandlerResult<MethodName> | undefined;
    try {
      result = await this.call(method, body, {
        peer: this.peer,
        connection: this,
        signal: controller.signal,
        deadlineMs,
        descriptors,
      }).finally(() => closeAll(descriptors));
      if (isWanted()) this.reply(id, method, result);
    } catch (error) {
      if (isWanted()) this.report(id, method, error);
    } finally {
      clearTimeout(timer);
      if (isWanted()) this.running.delete(id);
      closeAll(result?.descriptors ?? []);
    }
  }

  private async call(
    method: MethodName,
    body: RequestOf<MethodName>,
    context: CallContext,
  ): Promise<HandlerResult<MethodName>> {
    // The table's type ties request and reply to one method; here the method is only known at run time.
    const handler = this.options.handlers[method] as
      | ((request: RequestOf<MethodName>, context: CallContext) => Promise<HandlerResult<MethodName>>)
      | undefined;
    if (!handler) throw new ControlError('INVALID_ARGUMENT', `${method} is not served here`);
    return handler(body, context);
  }

  private expire(id: number, controller: AbortController): void {
    this.running.delete(id);
    controller.abort();
    this.fail(id, 'DEADLINE_EXCEEDED', 'the deadline passed');
  }

  private reply(id: number, method: MethodName, result: HandlerResult<MethodName>): void {
    const message = encodeReply(id, method, result.body);
    if (message.length > MAX_FRAME_BYTES) throw new Error(`reply of ${message.length} bytes`);
    this.post(message, result.descriptors);
  }

  private report(id: number, method: MethodName, error: unknown): void {
    if (error instanceof ControlError) {
      this.fail(id, error.kind, error.message);
      return;
    }
    this.options.log(`${method} for ${this.peer} failed: ${error instanceof Error ? error.stack : String(error)}`);
    this.fail(id, 'INTERNAL', `${method} failed inside`);
  }

  private fail(id: number, kind: FailureKind, message: string): void {
    this.post(encodeFailure(id, kind, message), []);
  }

  private post(message: Uint8Array, descriptors: FileDescriptor[] = []): void {
    if (!this.open) return;
    if (!this.channel.send(message, descriptors)) this.cut('it does not read its replies');
  }
}

function closeAll(descriptors: readonly FileDescriptor[]): void {
  for (const descriptor of descriptors) descriptor.close();
}
