/** networkd's interface at this end of a link, with everything that it says kept for the test. */
import type { NativeAddon } from '../../../lib/native/contract.js';
import { type DhcpFacts, DhcpInterface } from '../../../lib/networkd/dhcp-interface.js';
import { within } from '../deadline.js';
import { ip } from './link.js';

const DEADLINE_MS = 20_000;

export class ServedInterface {
  readonly reports: DhcpFacts[] = [];
  readonly lines: string[] = [];
  readonly running: Promise<void>;
  private readonly served: DhcpInterface;
  private taken = 0;
  private wake = (): void => {};

  constructor(native: Pick<NativeAddon, 'dhcp' | 'clock' | 'netlink'>, hostname?: string) {
    const link = native.netlink.link.get('veth0');
    if (!link) throw new Error('there is no veth0');
    this.served = new DhcpInterface({
      native,
      link,
      hostname,
      report: (facts) => {
        this.reports.push(facts);
        this.wake();
      },
      log: (text) => {
        this.lines.push(text);
        this.wake();
      },
    });
    this.running = this.served.run();
  }

  get stateName(): string {
    return this.served.client.stateName;
  }

  stop(release: boolean): Promise<void> {
    this.served.stop({ release });
    return this.running;
  }

  /** The next line of its log that matches and that no earlier call has given. */
  async says(pattern: RegExp): Promise<string> {
    const look = async (): Promise<string> => {
      for (;;) {
        const line = this.lines[this.taken];
        if (line !== undefined) this.taken++;
        else await new Promise<void>((resolve) => (this.wake = resolve));
        if (line !== undefined && pattern.test(line)) return line;
      }
    };
    return within(DEADLINE_MS, `a line ${pattern}`, look(), () => this.lines.join('\n'));
  }
}

/** What the kernel says of veth0: its IPv4 addresses with lifetimes in seconds, its routes, its MTU. */
export function interfaceState(): {
  addresses: string[];
  lifetimeSeconds: number | undefined;
  routes: string[];
  mtu: number;
} {
  const [link] = JSON.parse(ip('-j -4 address show veth0')) as {
    mtu?: number;
    addr_info?: { local: string; prefixlen: number; valid_life_time: number }[];
  }[];
  const found = link?.addr_info ?? [];
  const routes = JSON.parse(ip('-j -4 route show dev veth0')) as {
    dst: string;
    gateway?: string;
    metric?: number;
    protocol: string;
  }[];
  const [shown] = JSON.parse(ip('-j link show veth0')) as { mtu: number }[];
  return {
    addresses: found.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    lifetimeSeconds: found[0]?.valid_life_time,
    routes: routes
      .filter(({ protocol }) => protocol === 'dhcp')
      .map(({ dst, gateway, metric }) => `${dst}${gateway ? ` via ${gateway}` : ''} metric ${metric}`)
      .sort(),
    mtu: shown?.mtu ?? 0,
  };
}
