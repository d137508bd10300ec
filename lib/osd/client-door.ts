import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { FrontDoor } from '../server/front-door.js';
import { isIssuedByAny, type TlsMaterial } from '../server/tls-material.js';
import { AcceptShare } from './accept-share.js';
import { Connections } from './connections.js';
import { FairShare } from './fair-share.js';
import type { Limits } from './limits.js';
import { PeerRefused, readPeerIdentity } from './peer-identity.js';

export interface ClientDoorOptions {
  material: TlsMaterial;
  limits: Limits;
  /** Takes over a connection whose client is known. */
  inject: (socket: TLSSocket) => void;
  log: (line: string) => void;
}

/** The door of the API: clients show a certificate, and each has its share of the process's time. */
export class ClientDoor extends FrontDoor<Connections> {
  readonly fairShare: FairShare;
  private readonly share: AcceptShare;

  constructor(private readonly clientOptions: ClientDoorOptions) {
    super({ ...clientOptions, connections: new Connections(clientOptions.log), asksForCertificate: true });
    this.share = new AcceptShare(clientOptions.limits.minAcceptShare);
    this.fairShare = new FairShare({
      total: () => this.connections.total,
      onLoad: (isOverloaded, seconds) => this.share.look(isOverloaded, seconds),
    });
  }

  /** Connections stay, except those of clients that no authority answers for any more. */
  override rotate(material: TlsMaterial): void {
    super.rotate(material);
    this.connections.recheck(
      (certificate) => isIssuedByAny(certificate, material.acceptedCas),
      'its authority is not accepted any more',
    );
  }

  protected override acceptShare(): number {
    this.share.attempted();
    return this.share.value;
  }

  protected override joined(): void {
    this.fairShare.start();
  }

  protected override welcome(socket: TLSSocket, raw: Socket): void {
    const { limits, inject } = this.clientOptions;
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) throw new PeerRefused('it has shown no certificate');
    const identity = readPeerIdentity(certificate);
    if (this.connections.countOf(identity.fingerprint) >= limits.maxConnectionsPerClient) {
      throw new PeerRefused(`its certificate has ${limits.maxConnectionsPerClient} connections already`);
    }
    this.connections.authenticated(raw, socket, certificate, identity);
    keepCertificate(socket);
    inject(socket);
    this.fairShare.joined(identity.fingerprint, socket);
  }
}

/**
 * grpc-js asks for the client's certificate with every call, and Node.js would take it apart anew each time (23 µs of ours, twice a call). It is
 * that of the handshake for as long as the connection lives: TLS 1.3 asks again only a client that has offered it (RFC 8446, section 4.6.2),
 * which OpenSSL does for nobody here.
 */
function keepCertificate(socket: TLSSocket): void {
  const certificate = socket.getPeerCertificate();
  Object.defineProperty(socket, 'getPeerCertificate', { value: () => certificate });
}
