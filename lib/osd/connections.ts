import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { MINUTE_MS } from '../base/units.js';
import type { PeerIdentity } from './peer-identity.js';

interface Client {
  socket: TLSSocket;
  certificate: X509Certificate;
  identity: PeerIdentity;
}

/** Wall clocks jump, timers do not notice: look again at least this often. */
const MAX_SWEEP_MS = MINUTE_MS;

/**
 * Every connection of the API: those still shaking hands, and those of known clients, which it closes when their certificate expires.
 * Identities are found by certificate, so that what decides about a call is the certificate of its own connection.
 */
export class Connections {
  private readonly handshaking = new Set<Socket>();
  private readonly all = new Set<Socket>();
  private readonly clients = new Set<Client>();
  private readonly byFingerprint = new Map<string, { identity: PeerIdentity; connections: number }>();
  private sweep: NodeJS.Timeout | undefined;
  private onGone: (() => void) | undefined;

  constructor(private readonly log: (line: string) => void) {}

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

  isHandshaking(raw: Socket): boolean {
    return this.handshaking.has(raw);
  }

  /** The handshake is done and the certificate is fine. */
  authenticated(raw: Socket, socket: TLSSocket, certificate: X509Certificate, identity: PeerIdentity): void {
    this.handshaking.delete(raw);
    const client = { socket, certificate, identity };
    this.clients.add(client);
    const known = this.byFingerprint.get(identity.fingerprint);
    if (known) known.connections += 1;
    else this.byFingerprint.set(identity.fingerprint, { identity, connections: 1 });
    socket.once('close', () => this.forget(client));
    this.scheduleSweep();
  }

  /** How many connections show this certificate. */
  countOf(fingerprint: string): number {
    return this.byFingerprint.get(fingerprint)?.connections ?? 0;
  }

  /** The identity of a live connection's certificate. */
  identityOf(fingerprint: string): PeerIdentity | undefined {
    return this.byFingerprint.get(fingerprint)?.identity;
  }

  /** Of the certificates of all known clients. */
  fingerprints(): Iterable<string> {
    return this.byFingerprint.keys();
  }

  /** Closes the connections whose certificate `isAccepted` refuses. */
  recheck(isAccepted: (certificate: X509Certificate) => boolean, reason: string): void {
    for (const client of this.clients) {
      if (!isAccepted(client.certificate)) this.drop(client, reason);
    }
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
    for (const client of this.clients) client.socket.destroy();
    for (const raw of this.all) raw.destroy();
  }

  private drop(client: Client, reason: string): void {
    this.log(`closed the connection of ${peerName(client.socket)}: ${reason}`);
    client.socket.destroy();
  }

  private forget(client: Client): void {
    this.clients.delete(client);
    const known = this.byFingerprint.get(client.identity.fingerprint);
    if (known && --known.connections === 0) this.byFingerprint.delete(client.identity.fingerprint);
  }

  private scheduleSweep(): void {
    clearTimeout(this.sweep);
    if (this.clients.size === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { identity } of this.clients) next = Math.min(next, identity.notAfterMs);
    const delayMs = Math.min(Math.max(next - Date.now(), 0) + 1, MAX_SWEEP_MS);
    this.sweep = setTimeout(() => {
      const now = Date.now();
      for (const client of this.clients) {
        if (client.identity.notAfterMs <= now) {
          this.clients.delete(client);
          this.drop(client, 'its certificate has expired');
        }
      }
      this.scheduleSweep();
    }, delayMs);
    this.sweep.unref();
  }
}

/** Address and port of the other end, for the log. */
export function peerName(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  return socket.remoteAddress ? `${socket.remoteAddress}:${socket.remotePort}` : 'a peer that is gone';
}
