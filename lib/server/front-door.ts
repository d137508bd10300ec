/**
 * Where connections come in. Each passes these gates, cheapest first:
 *
 *   accept  →  how many, how fast  →  TLS 1.3 handshake with a deadline  →  what the server itself asks of a client  →  HTTP/2
 *
 * TLS ends here and not inside grpc-js, because its server shows nobody the connection between the handshake and the first call:
 * extended key usage, expiry and removed authorities could then only be looked at call by call.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { errorCode, errorMessage } from '../base/errors.js';
import type { DoorLimits } from './limits.js';
import type { OpenConnections } from './open-connections.js';
import { Refusals } from './refusals.js';
import { reading } from './socket-reading.js';
import { secureContextOptions, type TlsMaterial } from './tls-material.js';
import { AddressBuckets, TokenBucket } from './token-bucket.js';

/** A port, or the number of a socket that is bound, which becomes the server's. */
export type ListeningPlace = { port: number; host?: string } | { fd: number };

export interface FrontDoorOptions<C extends OpenConnections> {
  material: TlsMaterial;
  limits: DoorLimits;
  connections: C;
  /** Whether clients have to show a certificate of an accepted authority, or none at all. */
  asksForCertificate: boolean;
  log: (line: string) => void;
}

/** The door of one server; who is let in, and to whom a connection is handed, is said by its subclass. */
export abstract class FrontDoor<C extends OpenConnections> {
  readonly connections: C;
  readonly refusals: Refusals;
  private readonly tcp: Server;
  private readonly tls: TlsServer;
  private readonly accepts: TokenBucket;
  private readonly acceptsByAddress: AddressBuckets;
  private readonly raws = new Map<string, Socket>();
  /** Whether somebody has been let in in this turn of the loop. */
  private hasLetIn = false;

  constructor(private readonly options: FrontDoorOptions<C>) {
    const { limits } = options;
    this.accepts = new TokenBucket(limits.acceptsPerSecond, limits.acceptBurst);
    this.acceptsByAddress = new AddressBuckets(limits.acceptsPerSecondPerAddress, limits.acceptBurstPerAddress);
    this.connections = options.connections;
    this.refusals = new Refusals(options.log);
    this.tls = createTlsServer({
      ...secureContextOptions(options.material),
      requestCert: options.asksForCertificate,
      rejectUnauthorized: options.asksForCertificate,
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

  /**
   * Somebody has connected: of the rates at which connections are let in, how much there is time for, above 0 and at most 1. A handshake
   * is the most expensive thing that a stranger can ask for.
   */
  protected acceptShare(): number {
    return 1;
  }

  /** A connection has come in, and its handshake begins. */
  protected joined(): void {}

  /**
   * Lets a client in whose handshake is done, with HTTP/2 agreed upon: `connections` is told, and whoever serves it takes it over.
   * @param raw  the connection below TLS
   * @throws Error  to refuse it, with the reason for the log
   */
  protected abstract welcome(socket: TLSSocket, raw: Socket): void;

  /** Listens. */
  listen(where: ListeningPlace): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.tcp.once('error', reject);
      this.tcp.listen(where, () => {
        this.tcp.removeListener('error', reject);
        resolve(this.tcp.address() as AddressInfo);
      });
    });
  }

  /** New certificate, key or authorities, for connections from now on. */
  rotate(material: TlsMaterial): void {
    this.tls.setSecureContext(secureContextOptions(material));
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
    this.joined();
    this.raws.set(key, raw);
    raw.once('close', () => {
      if (this.raws.get(key) === raw) this.raws.delete(key);
    });
    this.tls.emit('connection', raw);
  }

  private reasonToRefuse(address: string): string | undefined {
    const { limits } = this.options;
    const share = this.acceptShare();
    if (this.connections.total >= limits.maxConnections) return `there are ${limits.maxConnections} connections`;
    if (!this.acceptsByAddress.take(address, share)) {
      return `more than ${limits.acceptsPerSecondPerAddress} connections a second from its address`;
    }
    if (!this.accepts.take(share)) return `more than ${limits.acceptsPerSecond} connections a second`;
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

  /**
   * For the rest of this turn of the loop. With the end of a handshake come the first requests, as many as fit one read; dozens of
   * clients that are ready together would have all of theirs done before anybody else is listened to.
   */
  private letInNoMore(): void {
    if (this.hasLetIn) return;
    this.hasLetIn = true;
    for (const raw of this.connections.handshakes) reading(raw)?.readStop();
    setImmediate(() => {
      this.hasLetIn = false;
      for (const raw of this.connections.handshakes) reading(raw)?.readStart();
    });
  }

  private secured(socket: TLSSocket): void {
    socket.on('error', () => {});
    const key = tuple(socket);
    const raw = key === undefined ? undefined : this.raws.get(key);
    if (!raw || !this.connections.isHandshaking(raw) || (this.options.asksForCertificate && !socket.authorized)) {
      socket.destroy();
      return;
    }
    try {
      if (socket.alpnProtocol !== 'h2') throw new Error('it does not speak HTTP/2');
      this.welcome(socket, raw);
      this.letInNoMore();
    } catch (error) {
      this.refusals.add(socket, errorMessage(error));
      socket.destroy();
    }
  }
}

/** Both ends of a connection: the same for a TLS socket and for the one below it, and unique among live connections. */
function tuple(socket: Socket): string | undefined {
  if (socket.remoteAddress === undefined || socket.localAddress === undefined) return undefined;
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
