/** Backends and clients on the loopback interface. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import { loadNative } from '../../../../lib/native/index.js';
import { Balancer } from '../../../../lib/proxyd/balancer.js';
import type { Limits } from '../../../../lib/proxyd/limits.js';
import type { RelayNative } from '../../../../lib/proxyd/relay.js';

/** Answers each line with its name and the line. */
export class Backend {
  readonly sockets = new Set<Socket>();
  accepted = 0;
  private server: Server | undefined;

  constructor(
    readonly name: string,
    readonly port: number,
    private readonly serve: (socket: Socket) => void,
  ) {}

  static async start(t: Test, name: string, serve?: (socket: Socket) => void): Promise<Backend> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const echo = (socket: Socket) => {
      socket.on('data', (chunk) => socket.write(`${name}:${chunk}`));
      socket.on('end', () => socket.end(`${name}:end`));
    };
    const backend = new Backend(name, port, serve ?? echo);
    await backend.up();
    t.teardown(() => backend.kill());
    return backend;
  }

  get address() {
    return { host: '127.0.0.1', port: this.port };
  }

  async up(): Promise<void> {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.accepted += 1;
      this.sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
      this.serve(socket);
    }).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** As a process that ends in order: no new connections, the others stay. */
  refuse(): void {
    this.server?.close();
  }

  /** As a process that is killed. */
  kill(): void {
    this.refuse();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}

export interface Rig {
  balancer: Balancer;
  port: number;
  lines: string[];
  health: boolean[];
}

/** Looks are quicker than by default. */
export async function balanced(
  t: Test,
  backends: readonly { address: { host: string; port: number } }[],
  limits: Partial<Limits> = {},
  native: RelayNative = loadNative(),
): Promise<Rig> {
  const lines: string[] = [];
  const health: boolean[] = [];
  const balancer = new Balancer({
    native,
    limits: { probeIntervalMs: 50, probeAgainMs: 20, probeTimeoutMs: 300, ...limits },
    log: (line) => void lines.push(line),
    onHealth: (isAnyUp) => void health.push(isAnyUp),
  });
  t.teardown(() => balancer.close());
  const { port } = await balancer.listen('127.0.0.1', 0);
  balancer.use(backends.map(({ address }) => address));
  return { balancer, port, lines, health };
}

/** What a client reads, and how it ended. */
export class Client {
  text = '';
  readonly over: Promise<'ended' | 'reset'>;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.text += chunk;
    });
    this.over = new Promise((resolve) => {
      socket.on('error', () => resolve('reset'));
      socket.on('close', () => resolve('ended'));
    });
  }

  static async connect(t: Test, port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    t.teardown(() => socket.destroy());
    const client = new Client(socket);
    await Promise.race([once(socket, 'connect').catch(() => {}), client.over]);
    return client;
  }

  /** Says something and waits for an answer that is complete. */
  async ask(text: string): Promise<string> {
    const from = this.text.length;
    this.socket.write(text);
    while (!this.text.slice(from).includes(text)) {
      const isOver = await Promise.race([once(this.socket, 'data').then(() => false), this.over.then(() => true)]);
      if (isOver) throw new Error(`over after ${JSON.stringify(this.text)}`);
    }
    return this.text.slice(from);
  }
}
