/** A machine API on this host: a real gRPC server over mutual TLS with certificates of its own cluster. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import type { PemPair, SecretsBundle } from '../../../lib/base/secrets-bundle.js';
import type { Credentials } from '../../../lib/client/index.js';
import { stringifyClientConfig } from '../../../lib/config/index.js';
import {
  MachineServiceDefinition,
  NetworkServiceDefinition,
  StorageServiceDefinition,
  TimeServiceDefinition,
} from '../../../lib/gen/machine/service.js';
import {
  generatePrivateKey,
  generateSecrets,
  issueClientCertificate,
  issueServerCertificate,
  publicKeyDer,
  standardPrivateKeyPem,
} from '../../../lib/pki/index.js';

/**
 * Answers one RPC: a unary one with what it returns, a stream with what it writes until it resolves. What it throws is the status.
 */
// biome-ignore lint/suspicious/noExplicitAny: a fake takes and gives what a test wants
export type Handler = (request: any, call: any) => unknown;

export type Handlers = Record<string, Handler>;

/** An error that arrives as this status. */
export function statusError(code: status, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

export class FakeNode implements AsyncDisposable {
  private constructor(
    private readonly server: Server,
    readonly port: number,
    readonly secrets: SecretsBundle,
    readonly admin: PemPair,
  ) {}

  /**
   * @param options.handlers  by RPC; those missing answer UNIMPLEMENTED
   * @param options.secrets   of another node, to be in its cluster
   */
  static async start(
    options: {
      handlers?: Handlers;
      secrets?: SecretsBundle;
      dnsNames?: string[];
      ipAddresses?: string[];
      port?: number;
    } = {},
  ): Promise<FakeNode> {
    const secrets = options.secrets ?? (await generateSecrets());
    const key = await generatePrivateKey();
    const certificate = await issueServerCertificate({
      ca: secrets.certs.os,
      publicKeyDer: publicKeyDer(key),
      dnsNames: options.dnsNames ?? ['localhost'],
      ipAddresses: options.ipAddresses ?? ['127.0.0.1', '::1'],
    });
    const server = new Server({ 'grpc.max_receive_message_length': 1 << 25 });
    for (const service of [
      MachineServiceDefinition,
      NetworkServiceDefinition,
      StorageServiceDefinition,
      TimeServiceDefinition,
    ]) {
      server.addService(service as ServiceDefinition, implementation(service, options.handlers ?? {}));
    }
    const identity = {
      private_key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })),
      cert_chain: Buffer.from(certificate),
    };
    const credentials = ServerCredentials.createSsl(Buffer.from(secrets.certs.os.crt), [identity], true);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const admin = await issueClientCertificate({ ca: secrets.certs.os, roles: ['os:admin'] });
    return new FakeNode(server, port, secrets, admin);
  }

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  get credentials(): Credentials {
    return this.credentialsFor(this.admin);
  }

  credentialsFor(pair: PemPair, ca = this.secrets.certs.os.crt): Credentials {
    return { ca, crt: pair.crt, key: standardPrivateKeyPem(pair.key) };
  }

  /** Text of a client config. */
  talosconfig(change: { pair?: PemPair; ca?: string; endpoints?: string[]; nodes?: string[] } = {}): string {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const { crt, key } = change.pair ?? this.admin;
    const context = {
      endpoints: change.endpoints ?? [this.endpoint],
      ...(change.nodes === undefined ? {} : { nodes: change.nodes }),
      ca: base64(change.ca ?? this.secrets.certs.os.crt),
      crt: base64(crt),
      key: base64(key),
    };
    return stringifyClientConfig({ context: 'fake', contexts: { fake: context } });
  }

  /** Cuts everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.forceShutdown();
  }
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A listener that treats connections as it is told: silence, an end, garbage. */
export async function rawListener(treat: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    treat(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

function implementation(service: object, handlers: Handlers) {
  const entries = Object.entries(service as Record<string, { responseStream: boolean }>);
  return Object.fromEntries(
    entries.map(([name, { responseStream }]) => {
      const handler =
        handlers[name] ?? (() => Promise.reject(statusError(status.UNIMPLEMENTED, `this node does not serve ${name}`)));
      return [name, responseStream ? streaming(handler) : unary(handler)];
    }),
  );
}

function unary(handler: Handler) {
  return async (call: ServerUnaryCall<unknown, unknown>, callback: (error: Error | null, reply?: unknown) => void) => {
    try {
      callback(null, await handler(call.request, call));
    } catch (error) {
      callback(error as Error);
    }
  };
}

function streaming(handler: Handler) {
  return async (call: ServerWritableStream<unknown, unknown>) => {
    try {
      await handler(call.request, call);
      call.end();
    } catch (error) {
      call.emit('error', error);
    }
  };
}
