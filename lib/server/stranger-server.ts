import type { AddressInfo } from 'node:net';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ListeningPlace } from './front-door.js';
import { LimitedServer, TerminatedCredentials } from './grpc-server.js';
import type { StrangerLimits } from './limits.js';
import { StrangerDoor } from './stranger-door.js';
import { createStrangerGate } from './stranger-gate.js';
import type { TlsMaterial } from './tls-material.js';

export interface StrangerServerOptions {
  material: TlsMaterial;
  limits: StrangerLimits;
  services: readonly { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[];
  log: (line: string) => void;
  /** Calls under way when it ends have this long. */
  graceMs: number;
}

/** A server for clients without certificates: the door and the gate of those whom nobody knows, and the calls behind them. */
export class StrangerServer {
  readonly door: StrangerDoor;
  private readonly grpc: LimitedServer;
  private readonly graceMs: number;

  constructor({ material, limits, services, log, graceMs }: StrangerServerOptions) {
    const cut = (peer: string, reason: string) => this.door.cut(peer, reason);
    this.grpc = new LimitedServer(limits, [createStrangerGate(limits, cut, log)]);
    for (const { definition, implementation } of services) this.grpc.addService(definition, implementation);
    const injector = this.grpc.createConnectionInjector(new TerminatedCredentials());
    this.door = new StrangerDoor({ material, limits, inject: (socket) => injector.injectConnection(socket), log });
    this.graceMs = graceMs;
  }

  listen(where: ListeningPlace): Promise<AddressInfo> {
    return this.door.listen(where);
  }

  /** Another certificate for connections from now on. */
  rotate(material: TlsMaterial): void {
    this.door.rotate(material);
  }

  /** Refuses what is new and lets what is under way end. Resolves when all is over. */
  async close(graceMs = this.graceMs): Promise<void> {
    this.door.stopAccepting();
    this.grpc.tryShutdown(() => {});
    await this.door.connections.gone(graceMs);
    this.grpc.forceShutdown();
    this.door.destroy();
  }
}
