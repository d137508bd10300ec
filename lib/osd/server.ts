import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { SECOND_MS } from '../base/units.js';
import type { KmsgModule, RingModule } from '../native/contract.js';
import type { ListeningPlace } from '../server/front-door.js';
import { LimitedServer, TerminatedCredentials } from '../server/grpc-server.js';
import type { TlsMaterial } from '../server/tls-material.js';
import { apiServices } from './api.js';
import { CallLimits } from './call-limits.js';
import { ClientDoor } from './client-door.js';
import type { InitClient, OsdContext } from './context.js';
import { metadataField } from './data-message.js';
import { EventMirror } from './event-mirror.js';
import { createGate } from './gate.js';
import { InTurn, inTurn } from './in-turn.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { LoopTurns } from './loop-turns.js';
import { SlabPool } from './slab-pool.js';
import { StreamSlots } from './stream-slots.js';

export interface OsdServerOptions {
  material: TlsMaterial;
  init: InitClient;
  machined: () => Promise<InitClient>;
  ring: RingModule;
  kmsg: KmsgModule;
  log: (line: string) => void;
  limits?: Partial<Limits>;
  hostname?: () => string;
}

/** Calls under way when the node goes down have this long to end. */
const GRACE_MS = 10 * SECOND_MS;

/** The API: the front door, the gate, and the handlers behind them. */
export class OsdServer {
  readonly frontDoor: ClientDoor;
  readonly context: OsdContext;
  private readonly grpc: LimitedServer;
  private readonly shutdown = new AbortController();
  private readonly ending = new AbortController();

  constructor(options: OsdServerOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    // Each stream listens to both; more than ten are no leak.
    setMaxListeners(0, this.shutdown.signal, this.ending.signal);
    const name = options.hostname ?? hostname;
    this.context = {
      init: new InTurn(options.init),
      machined: inTurn(options.machined),
      ring: options.ring,
      kmsg: options.kmsg,
      hostname: name,
      slabs: new SlabPool(metadataField(name())),
      turns: new LoopTurns(),
      streams: new StreamSlots(limits.maxStreams, limits.maxStreamsPerClient),
      log: options.log,
      events: new EventMirror(options.init, options.log),
      shutdown: this.shutdown.signal,
      ending: this.ending.signal,
    };
    const lookup = (fingerprint: string) => this.frontDoor.connections.identityOf(fingerprint);
    const called = (client: string) => this.frontDoor.fairShare.called(client);
    const gate = createGate(lookup, new CallLimits(limits), called, options.log);
    this.grpc = new LimitedServer({ ...limits, maxRequestBytes: limits.maxConfigRequestBytes }, [gate]);
    for (const { definition, implementation } of apiServices(this.context, lookup)) {
      this.grpc.addService(definition, implementation);
    }
    const injector = this.grpc.createConnectionInjector(new TerminatedCredentials());
    this.frontDoor = new ClientDoor({
      material: options.material,
      limits,
      inject: (socket) => injector.injectConnection(socket),
      log: options.log,
    });
  }

  listen(where: ListeningPlace): Promise<AddressInfo> {
    return this.frontDoor.listen(where);
  }

  rotate(material: TlsMaterial): void {
    this.frontDoor.rotate(material);
  }

  /**
   * Refuses what is new, ends the streams but those that tell of the way down, and lets short calls end.
   * Resolves when no client is left. Idempotent.
   */
  async drain(graceMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (!this.shutdown.signal.aborted) {
      this.frontDoor.stopAccepting();
      this.shutdown.abort();
      // Its callback is of no use: since Node 24 closing the HTTP/2 server marks every session as closed, which it takes for gone.
      this.grpc.tryShutdown(() => {});
    }
    await this.frontDoor.connections.gone(graceMs);
  }

  /** As `drain`, then ends what is left: in order if that takes no longer than the grace. Resolves when all is over. */
  async close(graceMs = GRACE_MS): Promise<void> {
    this.ending.abort();
    await this.drain(graceMs);
    this.grpc.forceShutdown();
    this.frontDoor.destroy();
  }
}
