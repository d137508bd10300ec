import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Address } from './backends.js';
import { Backends } from './backends.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { Probes } from './probes.js';
import { Relay, type RelayNative } from './relay.js';

export interface BalancerOptions {
  native: RelayNative;
  limits?: Partial<Limits>;
  log(line: string): void;
  /** Told when the first backend is up, and when the last one is not any more. */
  onHealth?(isAnyUp: boolean): void;
}

/** Of one connection's writes, until it is not read for them any more; what is more is the kernel's to hold. */
const WRITE_BUFFER_BYTES = 16 * 1024;

/** A TCP server whose connections go to whichever backend lives. */
export class Balancer {
  readonly backends: Backends;
  private readonly limits: Limits;
  private readonly probes: Probes;
  private readonly server: Server;
  private readonly relays = new Set<Relay>();
  private refused = 0;
  private wasUp: boolean | undefined;

  constructor(private readonly options: BalancerOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.backends = new Backends({
      maxFailures: this.limits.probeFailures,
      log: options.log,
      changed: () => this.tellHealth(),
    });
    this.probes = new Probes(this.backends, this.limits);
    this.server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, highWaterMark: WRITE_BUFFER_BYTES },
      (client) => this.accepted(client),
    );
    // Running out of descriptors must not end the process; the accept is tried again.
    this.server.on('error', (error) => options.log(`accept failed: ${error.message}`));
  }

  /** Connections under way. */
  get connections(): number {
    return this.relays.size;
  }

  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port }, () => {
        this.server.removeListener('error', reject);
        resolve(this.server.address() as AddressInfo);
      });
    });
  }

  /** Replaces the servers. One that is this balancer itself is left out: a connection would never come to its end. */
  use(servers: readonly Address[]): void {
    const own = this.server.address() as AddressInfo | null;
    const isOwn = ({ host, port }: Address) => own !== null && port === own.port && host === own.address;
    this.backends.replace(servers.filter((server) => !isOwn(server)));
    this.probes.update();
  }

  /** Ends everything at once. */
  close(): void {
    this.probes.stop();
    this.server.close();
    for (const relay of [...this.relays]) relay.abort();
  }

  private accepted(client: Socket): void {
    if (this.relays.size >= this.limits.maxConnections) {
      client.on('error', () => {});
      client.resetAndDestroy();
      if (this.refused++ % this.limits.maxConnections === 0) {
        this.options.log(`connections are refused: there are ${this.limits.maxConnections}; ${this.refused} so far`);
      }
      return;
    }
    const relay: Relay = new Relay({
      client,
      backends: this.backends,
      limits: this.limits,
      native: this.options.native,
      onOver: (reason) => {
        // Of one that found no backend at once there is no relay yet.
        setImmediate(() => this.relays.delete(relay));
        if (reason !== undefined) this.options.log(`a connection was not served: ${reason}`);
      },
    });
    this.relays.add(relay);
  }

  private tellHealth(): void {
    const { isAnyUp } = this.backends;
    if (isAnyUp === this.wasUp) return;
    this.wasUp = isAnyUp;
    this.options.onHealth?.(isAnyUp);
  }
}
