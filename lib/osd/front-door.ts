/**
 * Where connections come in. Each passes these gates, cheapest first:
 *
 *   accept  →  how many, how fast  →  TLS 1.3 handshake with a deadline  →  certificate  →  HTTP/2
 *
 * TLS ends here and not inside grpc-js, because its server shows nobody the connection between the handshake and the first call:
 * extended key usage, expiry and removed authorities could then only be looked at call by call.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { errorCode, errorMessage } from '../base/errors.js';
import { Connections } from './connections.js';
import { AddressBuckets, type Limits, TokenBucket } from './limits.js';
import { readPeerIdentity } from './peer-identity.js';
import { Refusals } from './refusals.js';
import { isIssuedByAny, secureContextOptions, type TlsMaterial } from './tls-material.js';

export interface FrontDoorOptions {
  material: TlsMaterial;
  limits: Limits;
  /** Takes over a connection whose client is known. */
  inject: (socket: TLSSocket) => void;
  log: (line: string) => void;
}

export class FrontDoor {
  readonly connections: Connections;
  readonly refusals: Refusals;
  private readonly tcp: Server;
  private readonly tls: TlsServer;
  private readonly accepts: TokenBucket;
  private readonly acceptsByAddress: AddressBuckets;
  private readonly raws = new Map<string, Socket>();

  constructor(private readonly options: FrontDoorOptions) {
    const { limits } = options;
    this.accepts = new TokenBucket(limits.acceptsPerSecond, limits.acceptBurst);
    this.acceptsByAddress = new AddressBuckets(limits.acceptsPerSecondPerAddress, limits.acceptBurstPerAddress);
    this.connections = new Connections(options.log);
    this.refusals = new Refusals(options.log);
    this.tls = createTlsServer({
      ...secureContextOptions(options.material),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeTimeoutMs,
      ALPNProtocols: ['h2'],
    });
    this.tls.on('secureConnection', (socket) => this.secured(socket));
    this.tls.on('tlsClientError', (error, socket) => {
      this.refusals.add(socket, errorCode(error) ?? errorMessage(error));
      socket.destroy();
    });
    this.tcp = createServer({ noDelay: true }, (socket) => this.accepted(socket));
    // Running out of descriptors must not end the process; the accept is tried again.
    this.tcp.on('error', (error) => options.log(`accept failed: ${error.message}`));
  }

  /** Listens on every address of the node, or on `host`. Port 0: any. */
  listen(port: number, host?: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.tcp.once('error', reject);
      this.tcp.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        this.tcp.removeListener('error', reject);
        resolve(this.tcp.address() as AddressInfo);
      });
    });
  }

  /** New certificate, key or authorities. Connections stay, except those of clients that no authority answers for any more. */
  rotate(material: TlsMaterial): void {
    this.tls.setSecureContext(secureContextOptions(material));
    this.connections.recheck(
      (certificate) => isIssuedByAny(certificate, material.acceptedCas),
      'its authority is not accepted any more',
    );
  }

  /** No more connections; those that there are stay. */
  stopAccepting(): void {
    if (this.tcp.listening) this.tcp.close();
  }

  /** Cuts whatever is left. */
  destroy(): void {
    this.stopAccepting();
    this.connections.destroyAll();
  }

  private accepted(raw: Socket): void {
    // A reset between here and the end is nobody's fault, but unhandled it would be the end of the process.
    raw.on('error', () => {});
    const reason = this.reasonToRefuse(raw.remoteAddress ?? '');
    const key = tuple(raw);
    if (reason !== undefined || key === undefined) {
      if (reason !== undefined) this.refusals.add(raw, reason);
      raw.destroy();
      return;
    }
    this.makeRoom();
    this.connections.add(raw);
    this.raws.set(key, raw);
    raw.once('close', () => {
      if (this.raws.get(key) === raw) this.raws.delete(key);
    });
    this.tls.emit('connection', raw);
  }

  private reasonToRefuse(address: string): string | undefined {
    const { limits } = this.options;
    if (this.connections.total >= limits.maxConnections) return `there are ${limits.maxConnections} connections`;
    if (!this.acceptsByAddress.take(address)) {
      return `more than ${limits.acceptsPerSecondPerAddress} connections a second from its address`;
    }
    if (!this.accepts.take()) return `more than ${limits.acceptsPerSecond} connections a second`;
    return undefined;
  }

  /** Whoever says nothing holds a place only until somebody else wants it. */
  private makeRoom(): void {
    const { connections, options } = this;
    const oldest = connections.oldestHandshake;
    if (!oldest || connections.unauthenticated < options.limits.maxHandshakes) return;
    this.refusals.add(oldest, `its handshake gave way: ${options.limits.maxHandshakes} are under way`);
    connections.giveUp(oldest);
  }

  private secured(socket: TLSSocket): void {
    socket.on('error', () => {});
    const key = tuple(socket);
    const raw = key === undefined ? undefined : this.raws.get(key);
    const certificate = socket.getPeerX509Certificate();
    if (!raw || !this.connections.isHandshaking(raw) || !certificate || !socket.authorized) {
      socket.destroy();
      return;
    }
    try {
      if (socket.alpnProtocol !== 'h2') throw new Error('it does not speak HTTP/2');
      const identity = readPeerIdentity(certificate);
      const { maxConnectionsPerClient } = this.options.limits;
      if (this.connections.countOf(identity.fingerprint) >= maxConnectionsPerClient) {
        throw new Error(`its certificate has ${maxConnectionsPerClient} connections already`);
      }
      this.connections.authenticated(raw, socket, certificate, identity);
    } catch (error) {
      this.refusals.add(socket, errorMessage(error));
      socket.destroy();
      return;
    }
    this.options.inject(socket);
  }
}

/** Both ends of a connection: the same for a TLS socket and for the one below it, and unique among live connections. */
function tuple(socket: Socket): string | undefined {
  if (socket.remoteAddress === undefined || socket.localAddress === undefined) return undefined;
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
