import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { MINUTE_MS } from '../base/units.js';
import { OpenConnections, peerName } from '../server/open-connections.js';
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
export class Connections extends OpenConnections {
  private readonly clients = new Set<Client>();
  private readonly byFingerprint = new Map<string, { identity: PeerIdentity; connections: number }>();
  private sweep: NodeJS.Timeout | undefined;

  constructor(private readonly log: (line: string) => void) {
    super();
  }

  /** The handshake is done and the certificate is fine. */
  authenticated(raw: Socket, socket: TLSSocket, certificate: X509Certificate, identity: PeerIdentity): void {
    this.letIn(raw);
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

  override destroyAll(): void {
    for (const client of this.clients) client.socket.destroy();
    super.destroyAll();
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
