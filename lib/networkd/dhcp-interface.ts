import { TalosError } from '../base/errors.js';
import type { NetworkFacts } from '../control/protocol.js';
import type { Link, NativeAddon, NetlinkEvent } from '../native/contract.js';
import { DhcpClient } from './dhcp/client.js';
import type { Lease } from './dhcp/lease.js';
import { LeasedInterface } from './leased-interface.js';

/** What a lease says; empty without one. */
export type DhcpFacts = Omit<NetworkFacts, 'otherAddresses' | 'dhcp'>;

export interface DhcpInterfaceOptions {
  native: Pick<NativeAddon, 'dhcp' | 'clock' | 'netlink'>;
  link: Link;
  /** The name that the server is told. */
  hostname?: string | undefined;
  /** Of the routes that a lease brings. */
  metric?: number | undefined;
  /** Somebody else decides about the MTU, whatever the server says. */
  isMtuFixed?: boolean | undefined;
  /** What is known by DHCP; called whenever that may have changed. */
  report(facts: DhcpFacts): void;
  log(text: string): void;
}

/** One interface whose address comes from a DHCP server: its carrier, its client, and what a lease does to it. */
export class DhcpInterface {
  readonly client: DhcpClient;
  private readonly leased: LeasedInterface;
  private lease: Lease | undefined;
  private hasCarrier: boolean | undefined;

  /** @throws EPERM without CAP_NET_RAW and CAP_NET_ADMIN · ENODEV · EMFILE */
  constructor(private readonly options: DhcpInterfaceOptions) {
    const { native, link, hostname, metric, isMtuFixed, log } = options;
    const { netlink, clock, dhcp } = native;
    netlink.link.set(link.index, { isUp: true });
    this.leased = new LeasedInterface({ netlink, clock, link, metric, isMtuFixed, log });
    const held = this.leased.held();
    if (held) log(`${link.name} still has ${held.address}`);
    this.client = new DhcpClient({
      dhcp,
      clock,
      link,
      hostname,
      held,
      configure: (lease) => this.configure(lease),
      deconfigure: () => this.deconfigure(),
      log: (text) => log(`${link.name}: ${text}`),
    });
  }

  /**
   * Serves the interface until `stop`.
   * @throws TalosError ERR_NO_INTERFACE when the interface goes away · what the kernel says when it cannot be watched
   */
  async run(): Promise<void> {
    const { native, link } = this.options;
    let fail = (_error: Error): void => {};
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const monitor = native.netlink.subscribe({
      kinds: ['link'],
      onEvents: (events) => {
        for (const event of events) this.hear(event, fail);
      },
      onError: (error) => fail(error),
    });
    try {
      await Promise.race([this.client.run(), failed]);
    } finally {
      monitor.close();
      this.client.stop({ release: false });
    }
    this.options.log(`${link.name}: stopped`);
  }

  /** @param release  gives the address back; without it the interface keeps it until the lease ends, and the next run asks for it again */
  stop(options: { release: boolean }): void {
    this.client.stop(options);
  }

  /** Stops, and takes from the interface what leases have given it. */
  remove(options: { release: boolean }): void {
    this.client.stop(options);
    this.leased.apply(undefined);
  }

  /** A resync tells all links anew, so that no change of the carrier is ever missed. */
  private hear(event: NetlinkEvent, fail: (error: Error) => void): void {
    const { index, name } = this.options.link;
    if (event.kind === 'resync') {
      const found = event.snapshot.link?.find((link) => link.index === index);
      if (found) this.setCarrier(found.hasCarrier);
      else fail(new TalosError('ERR_NO_INTERFACE', `the interface ${name} is gone`));
    } else if (event.kind === 'link' && event.object.index === index) {
      if (event.change === 'removed') fail(new TalosError('ERR_NO_INTERFACE', `the interface ${name} is gone`));
      else this.setCarrier(event.object.hasCarrier);
    }
  }

  /** Events repeat what is known already. */
  private setCarrier(isUp: boolean): void {
    if (isUp === this.hasCarrier) return;
    this.hasCarrier = isUp;
    this.client.setCarrier(isUp);
    // What comes with an address of an earlier run is not known until it is leased again.
    if (this.lease || !isUp || this.client.heldAddress === undefined) this.report();
  }

  private configure(lease: Lease): void {
    this.lease = lease;
    this.leased.apply(lease);
    this.report();
  }

  private deconfigure(): void {
    this.lease = undefined;
    this.leased.apply(undefined);
    this.report();
  }

  private report(): void {
    this.options.report(factsOf(this.options.link.name, this.lease, this.hasCarrier ?? false));
  }
}

/** What others may want to know of a lease. */
function factsOf(link: string, lease: Lease | undefined, carrier: boolean): DhcpFacts {
  return {
    link,
    address: lease ? `${lease.address}/${lease.prefixLength}` : '',
    dnsServers: lease?.dnsServers ?? [],
    ntpServers: lease?.ntpServers ?? [],
    domain: lease?.domain ?? '',
    searchDomains: lease?.searchDomains ?? [],
    hostname: lease?.hostname ?? '',
    carrier,
  };
}
