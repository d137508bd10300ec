import { SECOND_MS } from '../base/units.js';
import { ControlClient } from '../control/client.js';
import type { NetworkFacts } from '../control/protocol.js';
import type { ChannelModule, FileDescriptor } from '../native/contract.js';
import type { Issue } from './node-identity.js';

/** machined may wait for its config before it answers; then this ends and the next attempt begins. */
const ISSUE_DEADLINE_MS = 30 * SECOND_MS;

/** The connection to init, which this process was born with, and through it the ones to machined, which may come and go. */
export class ControlLink {
  readonly init: ControlClient;
  private machined: ControlClient | undefined;
  /** By interface. */
  private readonly addresses = new Map<string, string>();

  /**
   * @param socket  descriptor 3
   * @param onShuttingDown  the node goes down
   * @param onIdentityChanged  the node has another address, or machined another config, or there is another machined: ours may be outdated
   * @param onEvents  there are events that nobody here has read yet
   * @param onLost  init is gone: so is all that this process works with
   */
  constructor(
    socket: FileDescriptor,
    private readonly channels: ChannelModule,
    onShuttingDown: () => void,
    private readonly onIdentityChanged: () => void,
    onEvents: () => void,
    onLost: (error?: Error) => void,
  ) {
    this.init = new ControlClient(socket, {
      channels,
      onEvent: (event, descriptors) => {
        for (const descriptor of descriptors) descriptor.close();
        if (event.kind === 'shuttingDown') onShuttingDown();
        if (event.kind === 'eventsPublished') onEvents();
        if (event.kind === 'networkChanged' && this.isNews(event.facts)) onIdentityChanged();
      },
      onClose: onLost,
    });
  }

  /** Asks machined, over a new connection if the last one has gone with an earlier machined. */
  readonly issue: Issue = async (publicKey) => {
    const machined = await this.connectMachined();
    const { body, descriptors } = await machined.request(
      'issueCertificate',
      { publicKey },
      { deadlineMs: ISSUE_DEADLINE_MS },
    );
    for (const descriptor of descriptors) descriptor.close();
    return body;
  };

  close(): void {
    this.machined?.close();
    this.init.close();
  }

  private isNews({ link, address }: NetworkFacts): boolean {
    if (address === '' || this.addresses.get(link) === address) return false;
    this.addresses.set(link, address);
    return true;
  }

  /** @throws ControlError UNAVAILABLE  machined does not run */
  async connectMachined(): Promise<ControlClient> {
    if (this.machined?.isOpen) return this.machined;
    const { descriptors } = await this.init.request('connect', { peer: 'machined' });
    const [socket, ...others] = descriptors;
    for (const other of others) other.close();
    if (!socket) throw new Error('init sent no connection to machined');
    this.machined = new ControlClient(socket, {
      channels: this.channels,
      onEvent: (event, unexpected) => {
        for (const descriptor of unexpected) descriptor.close();
        if (event.kind === 'identityChanged') this.onIdentityChanged();
      },
      // Its successor will not tell us what we have missed.
      onClose: () => this.onIdentityChanged(),
    });
    return this.machined;
  }
}
