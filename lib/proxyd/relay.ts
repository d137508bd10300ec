/**
 * One client, and the backend that its bytes go to.
 *
 *   placing → (a backend accepts) → offered → (its first byte, or the client has sent more than is kept) → settled → over
 *      ↑                               | it is gone without a byte
 *      └───────────────────────────────┘ the next one, which gets what the client has sent so far
 *
 * A client whose backend goes away before it has said anything does not notice: a server that ends has connections in its backlog that its
 * kernel has accepted and nobody will ever read. What is sent twice was never answered; with TLS it is the greeting that begins every connection.
 *
 * Once settled, both go to the addon, whose thread moves what is left to move: in JavaScript each chunk costs more than HAProxy spends on it.
 *
 * Neither side is read from while the other does not take what was read, so that a connection holds one chunk in each direction.
 */
import { connect, type Socket } from 'node:net';
import { errorCode, errorMessage } from '../base/errors.js';
import type { FileDescriptor, NativeAddon, NativeRelay } from '../native/contract.js';
import type { Backend, Backends } from './backends.js';
import { cut } from './cut.js';
import type { Limits } from './limits.js';

/** Descriptors of the process, or of the machine. */
const TOO_MANY: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);

/** What it needs of the addon. */
export type RelayNative = Pick<NativeAddon, 'descriptor' | 'relay'>;

export interface RelayOptions {
  /** Paused, nothing read; half-open is allowed on it. */
  client: Socket;
  backends: Backends;
  limits: Limits;
  native: RelayNative;
  /** Once, when both sides are over. `reason` when the client was not served. */
  onOver(reason?: string): void;
}

export class Relay {
  private readonly client: Socket;
  private readonly startedMs = performance.now();
  private readonly waiting: Backend[];
  private readonly failures: string[] = [];
  private backend: Socket | undefined;
  private release = (): void => {};
  /** What the client has sent; undefined once it is settled where it belongs. */
  private kept: Buffer[] | undefined = [];
  private keptBytes = 0;
  private hasClientEnded = false;
  private hasBackendEnded = false;
  private isOver = false;
  private moved: NativeRelay | undefined;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: RelayOptions) {
    const { client, backends, limits } = options;
    this.client = client;
    this.waiting = backends.order();
    client.setNoDelay(true);
    client.setKeepAlive(true, limits.keepaliveMs);
    client.on('error', () => this.abort());
    client.on('close', () => this.abort());
    client.on('drain', () => this.backend?.resume());
    client.on('data', (chunk: Buffer) => this.fromClient(chunk));
    client.on('end', () => {
      this.hasClientEnded = true;
      this.backend?.end();
      this.halfClosed();
    });
    this.place();
  }

  /** Resets both sides. Idempotent. */
  abort(reason?: string): void {
    if (this.isOver) return;
    this.moved?.abort();
    cut(this.client);
    if (this.backend) cut(this.backend);
    this.over(reason);
  }

  private over(reason?: string): void {
    this.isOver = true;
    clearInterval(this.idleTimer);
    this.release();
    this.options.onOver(reason);
  }

  private place(): void {
    const { limits, backends } = this.options;
    const next = this.waiting.shift();
    if (!next || performance.now() - this.startedMs > limits.placingTimeoutMs) {
      this.abort(this.failures.length === 0 ? 'there is no backend' : this.failures.join('; '));
      return;
    }
    const { host, port } = next.address;
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.backend = socket;
    this.release = backends.engage(next, () => this.lost(next, socket, 'it is dead'));
    // What is read is what the client can take: nothing before there is a connection to write to.
    socket.pause();
    // The last one has all the time that is left. What has come by then is looked at first: this process may not have had its turn for as long.
    const leftMs = limits.placingTimeoutMs - (performance.now() - this.startedMs);
    const patienceMs = this.waiting.length === 0 ? Math.max(leftMs, limits.connectTimeoutMs) : limits.connectTimeoutMs;
    socket.setTimeout(patienceMs, () =>
      setImmediate(() => {
        if (socket.connecting) this.lost(next, socket, 'no answer');
      }),
    );
    socket.once('connect', () => this.placed(socket));
    socket.on('error', (error) => this.lost(next, socket, error.message));
    socket.on('close', () => this.lost(next, socket, 'closed'));
    socket.on('end', () => this.backendEnded(next, socket));
    socket.on('drain', () => this.client.resume());
    socket.on('data', (chunk: Buffer) => this.fromBackend(chunk, socket));
  }

  private placed(socket: Socket): void {
    const { limits } = this.options;
    socket.setTimeout(0);
    socket.setKeepAlive(true, limits.keepaliveMs);
    for (const chunk of this.kept ?? []) socket.write(chunk);
    if (this.hasClientEnded) socket.end();
    socket.resume();
    this.client.resume();
  }

  private fromClient(chunk: Buffer): void {
    if (this.kept) {
      this.keptBytes += chunk.length;
      if (this.keptBytes > this.options.limits.maxReplayBytes) this.kept = undefined;
      else this.kept.push(chunk);
    }
    if (!this.backend?.write(chunk, () => this.handOver())) this.client.pause();
  }

  private fromBackend(chunk: Buffer, socket: Socket): void {
    this.kept = undefined;
    if (!this.client.write(chunk, () => this.handOver())) socket.pause();
  }

  private backendEnded(backend: Backend, socket: Socket): void {
    // One that says nothing and ends is going down, unless it answers to a client that has ended itself.
    if (this.kept && !this.hasClientEnded) {
      this.lost(backend, socket, 'ended without a byte');
      return;
    }
    this.hasBackendEnded = true;
    this.client.end();
    this.halfClosed();
  }

  /** To the addon, when it is settled and all that was read here is delivered. One that is half over already ends here. */
  private handOver(): void {
    const { client, backend, isOver, kept, moved } = this;
    if (isOver || moved || kept || !backend || this.hasClientEnded || this.hasBackendEnded) return;
    const isBusy = [client, backend].some((socket) => socket.writableLength > 0 || socket.readableLength > 0);
    if (isBusy || client.destroyed || backend.destroyed) return;
    const { native } = this.options;
    const descriptors = ownDescriptors(native, client, backend);
    if (!descriptors) return;
    for (const socket of [client, backend]) socket.pause();
    try {
      this.moved = native.relay.start(...descriptors, {
        onHalfClosed: () => this.watchHalf(),
        onOver: () => {
          if (!this.isOver) this.over();
        },
      });
    } catch (error) {
      for (const descriptor of descriptors) descriptor.close();
      this.abort(`it could not be handed over: ${errorMessage(error)}`);
      return;
    }
    for (const socket of [client, backend]) {
      socket.removeAllListeners();
      socket.on('error', () => {});
      // The descriptor of its own goes; the connection stays with the other.
      socket.destroy();
    }
  }

  /** As `halfClosed`, of a connection that the addon has. */
  private watchHalf(): void {
    let before = -1;
    this.idleTimer = setInterval(() => {
      const bytes = this.moved?.bytes() ?? 0;
      if (bytes === before) this.abort();
      before = bytes;
    }, this.options.limits.halfClosedTimeoutMs).unref();
  }

  /** A backend is gone: the next one, if nobody can tell the difference; else the client learns of it. */
  private lost(backend: Backend, socket: Socket, why: string): void {
    if (this.isOver || this.backend !== socket) return;
    if (socket.readableEnded && socket.writableFinished) {
      this.finish();
      return;
    }
    if (!this.kept) {
      this.abort();
      return;
    }
    this.failures.push(`${backend.name}: ${why}`);
    this.release();
    this.backend = undefined;
    socket.destroy();
    this.client.pause();
    this.place();
  }

  /** Both directions of the backend are over; the client may still have to take what there was. */
  private finish(): void {
    this.release();
    if (this.client.writableFinished && this.client.readableEnded) this.client.destroy();
  }

  /** Half of a connection may last, but not for ever when nothing moves on it. */
  private halfClosed(): void {
    const { halfClosedTimeoutMs } = this.options.limits;
    for (const socket of [this.client, this.backend]) socket?.setTimeout(halfClosedTimeoutMs, () => this.abort());
  }
}

/** Descriptors of our own for both connections; undefined when there are none to be had just then: the next chunk tries again. */
function ownDescriptors(
  native: RelayNative,
  client: Socket,
  backend: Socket,
): [FileDescriptor, FileDescriptor] | undefined {
  const first = ownDescriptor(native, client);
  const second = first && ownDescriptor(native, backend);
  if (first && second) return [first, second];
  first?.close();
  return undefined;
}

/** A descriptor of our own for a connection that node:net has. Where it keeps its number is not documented, and as old as node:net. */
function ownDescriptor({ descriptor }: RelayNative, socket: Socket): FileDescriptor | undefined {
  const number: unknown = (socket as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  if (typeof number !== 'number' || number < 0) throw new Error('this Node keeps the numbers of its sockets elsewhere');
  const borrowed = descriptor.adopt(number);
  try {
    return descriptor.duplicate(borrowed);
  } catch (error) {
    if (!TOO_MANY.has(errorCode(error) ?? '')) throw error;
    return undefined;
  } finally {
    borrowed.releaseNumber();
  }
}
