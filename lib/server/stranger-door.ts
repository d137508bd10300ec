import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { FrontDoor } from './front-door.js';
import type { StrangerLimits } from './limits.js';
import { OpenConnections } from './open-connections.js';
import type { TlsMaterial } from './tls-material.js';

export interface StrangerDoorOptions {
  material: TlsMaterial;
  limits: StrangerLimits;
  /** Takes over a connection. */
  inject: (socket: TLSSocket) => void;
  log: (line: string) => void;
}

/**
 * The door of a server whose clients have no certificate yet, so that everybody is a stranger to the end of the connection: it stays among
 * those of which the oldest gives way to a new one, and it lives for a short time only. Nobody can fill all places by doing nothing.
 */
export class StrangerDoor extends FrontDoor<OpenConnections> {
  private readonly byPeer = new Map<string, TLSSocket>();

  constructor(private readonly strangerOptions: StrangerDoorOptions) {
    super({ ...strangerOptions, connections: new OpenConnections(), asksForCertificate: false });
  }

  /** Ends a connection. @param peer  address and port of its client, as grpc-js names it */
  cut(peer: string, reason: string): void {
    const socket = this.byPeer.get(peer);
    if (!socket) return;
    this.refusals.add(socket, reason);
    socket.destroy();
  }

  protected override welcome(socket: TLSSocket, raw: Socket): void {
    const { limits, inject } = this.strangerOptions;
    const end = setTimeout(() => raw.destroy(), limits.connectionLifetimeMs).unref();
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.byPeer.set(peer, socket);
    raw.once('close', () => {
      clearTimeout(end);
      if (this.byPeer.get(peer) === socket) this.byPeer.delete(peer);
    });
    inject(socket);
  }
}
