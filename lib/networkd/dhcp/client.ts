import { errorMessage } from '../../base/errors.js';
import type { BootTimer, ClockModule, DhcpModule, DhcpSocket, Link } from '../../native/contract.js';
import type { Surroundings } from './exchange.js';
import type { Lease } from './lease.js';
import { step } from './machine.js';
import { type DhcpEffect, type DhcpInput, type DhcpState, type HeldAddress, initialState, wakeAtMs } from './state.js';

export interface DhcpClientOptions {
  dhcp: DhcpModule;
  clock: ClockModule;
  link: Pick<Link, 'index' | 'name' | 'mac' | 'mtu'>;
  /** The name that the server is told. */
  hostname?: string | undefined;
  /** An address that the interface has from an earlier run of this process. */
  held?: HeldAddress | undefined;
  /** Gives the interface what the lease says, also when only its times are new. */
  configure(lease: Lease): void;
  /** Takes from the interface what a lease has given it. */
  deconfigure(): void;
  log(text: string): void;
}

/** What everybody must be able to send, and what fits an Ethernet frame (RFC 2132, section 9.10). */
const MESSAGE_BYTES = { least: 576, most: 1500 };

/** The client's machine on a real interface: moves its messages, keeps its timer, and does what it says. */
export class DhcpClient {
  private state: DhcpState;
  private readonly socket: DhcpSocket;
  private readonly timer: BootTimer;
  private lastRejection = '';

  /** @throws EPERM without CAP_NET_RAW · ENODEV · EMFILE */
  constructor(private readonly options: DhcpClientOptions) {
    const { dhcp, clock, link, held } = options;
    this.state = initialState(held);
    this.socket = dhcp.open({ index: link.index, mac: link.mac });
    try {
      this.timer = clock.createTimer();
    } catch (error) {
      this.socket.close();
      throw error;
    }
    this.arm();
  }

  /** For logs and tests. */
  get stateName(): DhcpState['kind'] {
    return this.state.kind;
  }

  /** The address that the interface has, leased now or from an earlier run. */
  get heldAddress(): string | undefined {
    return this.lease?.address ?? ('held' in this.state ? this.state.held?.address : undefined);
  }

  /** What is leased at the moment. */
  get lease(): Lease | undefined {
    return 'lease' in this.state ? this.state.lease : undefined;
  }

  setCarrier(isUp: boolean): void {
    this.send({ kind: 'carrier', isUp });
  }

  /** Moves messages and time until `stop`. Rejects when socket or timer fail, which they do only with the kernel's memory or ours. */
  async run(): Promise<void> {
    try {
      await Promise.all([this.hear(), this.keepTime()]);
    } finally {
      this.close();
    }
  }

  /** @param release  gives the address back; without it the interface keeps it until the lease ends */
  stop({ release }: { release: boolean }): void {
    this.send({ kind: 'stop', release });
    this.close();
  }

  private async hear(): Promise<void> {
    while (await this.goesOn(this.socket.wait())) {
      const { messages, rejected } = this.socket.receive();
      for (const reason of rejected) this.reject(reason);
      for (const message of messages) this.send({ kind: 'message', message });
    }
  }

  private async keepTime(): Promise<void> {
    while (await this.goesOn(this.timer.wait())) {
      if (this.timer.take()) this.send({ kind: 'timer' });
    }
  }

  /** Waits; false when the client was stopped meanwhile, which is the only reason for a wait to be cancelled. */
  private async goesOn(wait: Promise<void>): Promise<boolean> {
    try {
      await wait;
    } catch (error) {
      if (this.state.kind !== 'Stopped') throw error;
    }
    return this.state.kind !== 'Stopped';
  }

  /** Anybody on the link can make us log: the same reason is told once until there is another. */
  private reject(reason: string): void {
    if (reason !== this.lastRejection) this.options.log(`ignored a message: ${reason}`);
    this.lastRejection = reason;
  }

  private send(input: DhcpInput): void {
    const { clock, dhcp, log } = this.options;
    const world: Surroundings = { nowMs: clock.bootTimeMs(), random: () => dhcp.random() };
    const { state, effects, message } = step(this.state, input, world);
    this.state = state;
    if (message !== undefined) log(message);
    for (const effect of effects) this.perform(effect);
    if (state.kind !== 'Stopped') this.arm();
  }

  private perform(effect: DhcpEffect): void {
    try {
      this.do(effect);
    } catch (error) {
      // A message that was not sent is as good as a lost one: it is sent again. What could not be set is set again at the next renewal.
      this.options.log(`could not ${effect.kind}: ${errorMessage(error)}`);
    }
  }

  private do(effect: DhcpEffect): void {
    const { configure, deconfigure, hostname, link } = this.options;
    switch (effect.kind) {
      case 'configure':
        configure(effect.lease);
        return;
      case 'deconfigure':
        deconfigure();
        return;
      case 'broadcast':
      case 'unicast': {
        const maxMessageBytes = Math.max(MESSAGE_BYTES.least, Math.min(link.mtu, MESSAGE_BYTES.most));
        const message = { ...effect.request, mac: link.mac, hostname, maxMessageBytes };
        const source = message.clientAddress;
        if (effect.kind === 'broadcast') this.socket.broadcast(message, source);
        else this.socket.unicast(message, source ?? '0.0.0.0', effect.destination);
      }
    }
  }

  private arm(): void {
    this.timer.arm(wakeAtMs(this.state));
  }

  private close(): void {
    this.state = { kind: 'Stopped' };
    this.timer.close();
    this.socket.close();
  }
}
