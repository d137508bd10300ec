import { SECOND_MS } from '../base/units.js';
import { ControlClient } from '../control/client.js';
import type { NetworkFacts } from '../control/protocol.js';
import type { ChannelModule, FileDescriptor } from '../native/contract.js';
import type { Issue } from './node-identity.js';

/** machined may wait for its config before it answers; then this ends and the next attempt begins. */
const ISSUE_DEADLINE_MS = 30 * SECOND_MS;

export interface ControlLinkOptions {
  /** Descriptor 3. */
  socket: FileDescriptor;
  channels: Pick<ChannelModule, 'open'>;
  /** The node goes down. */
  onShuttingDown(): void;
  /** init is gone: so is all that this process works with. */
  onLost(error?: Error): void;
  /** The node has another address or another time, or machined another config, or there is another machined: our certificate may be outdated. */
  onIdentityChanged?(): void;
  /** machined has another config, or there is another machined. */
  onConfigChanged?(): void;
  /** The Kubernetes API may be served elsewhere now. */
  onApiServersChanged?(): void;
  /** There are events that nobody here has read yet. */
  onEvents?(): void;
}

/** The connection to init, which this process was born with, and through it the ones to machined, which may come and go. */
export class ControlLink {
  readonly init: ControlClient;
  private machined: ControlClient | undefined;
  private connecting: Promise<ControlClient> | undefined;
  /** By interface. */
  private readonly addresses = new Map<string, readonly string[]>();

  constructor(private readonly options: ControlLinkOptions) {
    this.init = new ControlClient(options.socket, {
      channels: options.channels,
      onEvent: (event, descriptors) => {
        for (const descriptor of descriptors) descriptor.close();
        if (event.kind === 'shuttingDown') options.onShuttingDown();
        if (event.kind === 'eventsPublished') options.onEvents?.();
        if (event.kind === 'networkChanged' && this.isNews(event.facts)) options.onIdentityChanged?.();
        if (event.kind === 'clockStepped') options.onIdentityChanged?.();
      },
      onClose: (error) => options.onLost(error),
    });
  }

  /** Asks machined, over a new connection if the last one has gone with an earlier machined. */
  readonly issue: Issue = async (key) => {
    const machined = await this.connectMachined();
    const { body, descriptors } = await machined.request('issueCertificate', key, { deadlineMs: ISSUE_DEADLINE_MS });
    for (const descriptor of descriptors) descriptor.close();
    return body;
  };

  close(): void {
    this.machined?.close();
    this.init.close();
  }

  /** Addresses that go leave a certificate that says a little too much, and is as good as before. */
  private isNews({ link, address, otherAddresses }: NetworkFacts): boolean {
    const known = this.addresses.get(link) ?? [];
    const current = [address, ...otherAddresses].filter((one) => one !== '');
    this.addresses.set(link, current);
    return current.some((one) => !known.includes(one));
  }

  /**
   * The connection to machined. Whoever asks while there is none shares the next one: nobody would close another.
   * @throws ControlError UNAVAILABLE  machined does not run
   */
  async connectMachined(): Promise<ControlClient> {
    if (this.machined?.isOpen) return this.machined;
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  private async connect(): Promise<ControlClient> {
    const { descriptors } = await this.init.request('connect', { peer: 'machined' });
    const [socket, ...others] = descriptors;
    for (const other of others) other.close();
    if (!socket) throw new Error('init sent no connection to machined');
    this.machined = new ControlClient(socket, {
      channels: this.options.channels,
      onEvent: (event, unexpected) => {
        for (const descriptor of unexpected) descriptor.close();
        if (event.kind === 'identityChanged') {
          this.options.onIdentityChanged?.();
          this.options.onConfigChanged?.();
        }
        if (event.kind === 'apiServersChanged') this.options.onApiServersChanged?.();
      },
      // Its successor will not tell us what we have missed.
      onClose: () => {
        this.options.onIdentityChanged?.();
        this.options.onConfigChanged?.();
        this.options.onApiServersChanged?.();
      },
    });
    return this.machined;
  }
}
