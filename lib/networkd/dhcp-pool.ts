import { errorMessage } from '../base/errors.js';
import type { Link, NativeAddon } from '../native/contract.js';
import { type DhcpFacts, DhcpInterface } from './dhcp-interface.js';
import type { WantedLink } from './link-wishes.js';

export interface DhcpPoolOptions {
  native: Pick<NativeAddon, 'dhcp' | 'clock' | 'netlink'>;
  /** A client has something new, or has ended. */
  changed(): void;
  log(text: string): void;
}

interface Served {
  /** What it was started for; another wish needs another one. */
  wish: string;
  isHostnameIgnored: boolean;
  client: DhcpInterface;
  facts: DhcpFacts | undefined;
}

/** Behind a client that has failed, which it does only with the kernel's memory or ours, or with its interface. */
const RETRY_MS = 5000;

/** A DHCP client for each interface that wants one. */
export class DhcpPool {
  private readonly served = new Map<number, Served>();
  /** Interfaces whose client has failed a moment ago. */
  private readonly resting = new Map<number, NodeJS.Timeout>();

  constructor(private readonly options: DhcpPoolOptions) {}

  get facts(): DhcpFacts[] {
    return [...this.served.values()].flatMap(({ facts }) => (facts ? [facts] : []));
  }

  factsOf(index: number): DhcpFacts | undefined {
    const { facts, isHostnameIgnored = false } = this.served.get(index) ?? {};
    return facts && { ...facts, hostname: isHostnameIgnored ? '' : facts.hostname };
  }

  /** Ends clients that are not wanted, or not so. An address that nobody wants any more is given back, and taken away. */
  endOthers(wanted: readonly WantedLink[]): void {
    const wishes = new Map(wanted.flatMap((link) => (link.dhcp ? [[link.index, wishOf(link)] as const] : [])));
    for (const [index, { wish, client }] of this.served) {
      if (wishes.get(index) === wish) continue;
      this.served.delete(index);
      client.remove({ release: !wishes.has(index) });
    }
  }

  /** Starts those that are missing. */
  begin(wanted: readonly WantedLink[], links: readonly Link[]): void {
    for (const want of wanted) {
      const { index, dhcp, mtu } = want;
      const link = links.find((one) => one.index === index);
      if (!dhcp || !link || this.served.has(index) || this.resting.has(index)) continue;
      this.serve(link, dhcp, mtu !== undefined, wishOf(want));
    }
  }

  stop(options: { release: boolean }): void {
    for (const { client } of this.served.values()) client.stop(options);
    this.served.clear();
    for (const timer of this.resting.values()) clearTimeout(timer);
  }

  private serve(link: Link, dhcp: NonNullable<WantedLink['dhcp']>, isMtuFixed: boolean, wish: string): void {
    const { native, changed, log } = this.options;
    const { metric, hostname, isHostnameIgnored } = dhcp;
    const failed = (error: unknown) => {
      log(`${link.name}: no DHCP: ${errorMessage(error)}`);
      const timer = setTimeout(() => {
        this.resting.delete(link.index);
        changed();
      }, RETRY_MS);
      this.resting.set(link.index, timer);
      changed();
    };
    const served: Partial<Served> = { wish, isHostnameIgnored, facts: undefined };
    try {
      const report = (facts: DhcpFacts) => {
        served.facts = facts;
        changed();
      };
      const client = new DhcpInterface({ native, link, hostname, metric, isMtuFixed, report, log });
      this.served.set(link.index, Object.assign(served, { client }) as Served);
      log(`serving ${link.name} (${link.mac})`);
      client.run().catch((error: unknown) => {
        if (this.served.get(link.index) === served) this.served.delete(link.index);
        failed(error);
      });
    } catch (error) {
      failed(error);
    }
  }
}

/** The name that the server is told is not in it: for another one no address is given back. */
function wishOf({ dhcp, mtu }: WantedLink): string {
  return JSON.stringify({ ...dhcp, hostname: undefined, isMtuFixed: mtu !== undefined });
}
