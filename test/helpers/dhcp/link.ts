/** A link between this process's network namespace and that of a DHCP server: a pair of veth interfaces. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '../deadline.js';
import type { Behaviour, ServerCommand, ServerEvent } from './server.js';
import type { ClientRequest } from './wire.js';

export const CLIENT_MAC = '02:00:00:00:00:01';
export const SERVER_ADDRESS = '10.5.0.1';

const DEADLINE_MS = 20_000;

export interface HeardRequest {
  request: ClientRequest;
  from: string;
  /** Milliseconds of performance.now() at which it was told here. */
  atMs: number;
}

/** The interface veth0 here, and the server behind it. */
export class DhcpLink implements AsyncDisposable {
  /** All that the server has heard. */
  readonly requests: HeardRequest[] = [];
  private taken = 0;
  private wake = (): void => {};

  private constructor(private readonly server: ChildProcess) {
    server.on('message', (event: ServerEvent) => {
      if (event.kind === 'request')
        this.requests.push({ request: event.request, from: event.from, atMs: performance.now() });
      this.wake();
    });
  }

  /** Starts the server, silent as yet, in a namespace that ends with it. The interfaces go when it does. */
  static async create(): Promise<DhcpLink> {
    const file = fileURLToPath(new URL('./server.js', import.meta.url));
    const server = spawn('unshare', ['--net', process.execPath, file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(server, 'message');
    const link = new DhcpLink(server);
    ip(`link add veth0 address ${CLIENT_MAC} type veth peer name veth1`);
    ip(`link set veth1 netns ${server.pid}`);
    const ready = once(server, 'message');
    link.command({ kind: 'serve', device: 'veth1', address: SERVER_ADDRESS });
    await ready;
    return link;
  }

  /** @param ignored  how many requests for more time are not answered before the others are */
  behave(kind: Behaviour['kind'], offer: Behaviour['offer'] = {}, ignored = 0): void {
    this.command({ kind: 'behave', behaviour: { kind, offer, ignored } });
  }

  carrier(isUp: boolean): void {
    this.command({ kind: 'carrier', isUp });
  }

  /** The server is not there any more, though its host is; resolves when it has gone. */
  leave(): Promise<void> {
    return this.until('left', { kind: 'leave' });
  }

  /** It is there again, and behaves as it was told last. */
  return(): Promise<void> {
    return this.until('ready', { kind: 'return' });
  }

  /** The next request of this type that no earlier call has given; what comes before it is passed over. */
  async next(type: string, isWanted: (request: ClientRequest) => boolean = () => true): Promise<HeardRequest> {
    const look = async (): Promise<HeardRequest> => {
      for (;;) {
        const heard = this.requests[this.taken];
        if (heard) this.taken++;
        else await new Promise<void>((resolve) => (this.wake = resolve));
        if (heard?.request.type === type && isWanted(heard.request)) return heard;
      }
    };
    return within(DEADLINE_MS, `a ${type}`, look(), () => this.requests.map(({ request }) => request.type).join(' '));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.server.exitCode !== null) return;
    const ended = once(this.server, 'exit');
    this.server.disconnect();
    await ended;
  }

  private until(kind: ServerEvent['kind'], command: ServerCommand): Promise<void> {
    const done = new Promise<void>((resolve) => {
      const hear = (event: ServerEvent) => {
        if (event.kind !== kind) return;
        this.server.off('message', hear);
        resolve();
      };
      this.server.on('message', hear);
    });
    this.command(command);
    return within(DEADLINE_MS, `the server: ${kind}`, done);
  }

  private command(command: ServerCommand): void {
    this.server.send(command);
  }
}

export function ip(line: string): string {
  return execFileSync('ip', line.split(' '), { encoding: 'utf8' });
}
