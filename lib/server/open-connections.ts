import type { Socket } from 'node:net';

/** Every connection of a server, from its acceptance on: those whose client is not let in yet, and the others. */
export class OpenConnections {
  private readonly handshaking = new Set<Socket>();
  private readonly all = new Set<Socket>();
  private onGone: (() => void) | undefined;

  get total(): number {
    return this.all.size;
  }

  get unauthenticated(): number {
    return this.handshaking.size;
  }

  /** A connection before its handshake; it leaves the books when it closes. */
  add(raw: Socket): void {
    this.all.add(raw);
    this.handshaking.add(raw);
    raw.once('close', () => {
      this.all.delete(raw);
      this.handshaking.delete(raw);
      if (this.all.size === 0) this.onGone?.();
    });
  }

  /** The one that has been shaking hands for the longest time. */
  get oldestHandshake(): Socket | undefined {
    for (const raw of this.handshaking) return raw;
    return undefined;
  }

  /** Ends a handshake; it counts as over at once. */
  giveUp(raw: Socket): void {
    this.handshaking.delete(raw);
    raw.destroy();
  }

  /** All that shake hands, the oldest first. */
  get handshakes(): Iterable<Socket> {
    return this.handshaking;
  }

  isHandshaking(raw: Socket): boolean {
    return this.handshaking.has(raw);
  }

  /** The handshake is done and its client is let in. */
  letIn(raw: Socket): void {
    this.handshaking.delete(raw);
  }

  /** Resolves when there is no connection left, or after `timeoutMs`, which may be infinite. */
  gone(timeoutMs: number): Promise<void> {
    if (this.all.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = Number.isFinite(timeoutMs) ? setTimeout(resolve, timeoutMs) : undefined;
      const earlier = this.onGone;
      this.onGone = () => {
        earlier?.();
        clearTimeout(timer);
        resolve();
      };
    });
  }

  destroyAll(): void {
    for (const raw of this.all) raw.destroy();
  }
}

/** Address and port of the other end, for the log. */
export function peerName(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  return socket.remoteAddress ? `${socket.remoteAddress}:${socket.remotePort}` : 'a peer that is gone';
}
