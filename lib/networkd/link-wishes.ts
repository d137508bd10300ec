/** Which interface is wanted how: the machine config and the kernel command line, put together for the interfaces that there are. Pure. */
import {
  type DhcpWish,
  defaultMetric,
  EVERY_CARD,
  type InterfaceWish,
  type LinkSelector,
  type NetworkDocument,
  type RouteWish,
} from '../config/network-document.js';
import type { IpParameter } from '../os/ip-parameter.js';
import type { LinkFacts } from './link-facts.js';
import { isSamePlace, type LinkWish } from './link-plan.js';
import { isSelected } from './link-selector.js';

export interface WantedLink extends LinkWish {
  index: number;
  name: string;
  dhcp?: DhcpWish & { metric: number; hostname?: string };
}

export interface WantedNetwork {
  /** In the order of the interfaces; those that nobody speaks of are not there. */
  links: WantedLink[];
  /** Indexes of those that are not to be touched at all. */
  ignored: ReadonlySet<number>;
  /** What cannot be done, a sentence each. */
  problems: string[];
}

/** Behind that of a route which is written down; each further interface with DHCP is a little farther away. */
const DHCP_METRIC = 1024;
const LOOPBACK = 772;

/**
 * The kernel command line comes first: an interface to which it gives an address, and every one with `ip=off`, is not asked for another by
 * DHCP. Routes to the same place are possible once in a routing table: the first one is taken. Where neither it nor the config says anything
 * about interfaces, every card asks for an address: a node that had one while it waited for its config keeps it.
 */
export function wantedNetwork(
  document: NetworkDocument,
  ip: IpParameter | undefined,
  facts: readonly LinkFacts[],
): WantedNetwork {
  const problems: string[] = [];
  const isUnsaid = ip === undefined && document.interfaces.length === 0;
  const wishes = isUnsaid ? [EVERY_CARD] : [...ofKernel(ip, facts), ...document.interfaces];
  const links: WantedLink[] = [];
  const ignored = new Set<number>();
  const places: RouteWish[] = [];
  const used = new Set<InterfaceWish>();
  let withDhcp = 0;
  for (const fact of facts) {
    const own = wishes.filter(({ selector }) => isMeant(selector, fact));
    for (const wish of own) used.add(wish);
    const { index, name } = fact.link;
    if (own.some(({ isIgnored }) => isIgnored)) ignored.add(index);
    if (own.length === 0 || ignored.has(index)) continue;
    const routes = own
      .flatMap((wish) => wish.routes)
      .filter((route) => {
        const isTaken = places.some((other) => isSamePlace(other, route));
        if (isTaken)
          problems.push(`${name}: there is a route to ${route.destination} with metric ${route.metric} already`);
        else places.push(route);
        return !isTaken;
      });
    const addresses = [...new Set(own.flatMap((wish) => wish.addresses))];
    const mtu = own.findLast((wish) => wish.mtu !== undefined)?.mtu;
    const dhcp = dhcpOf(own, fact, { ip, hostname: document.hostname, earlier: withDhcp }, problems);
    if (dhcp) withDhcp++;
    links.push({ index, name, addresses, routes, ...(mtu !== undefined && { mtu }), ...(dhcp && { dhcp }) });
  }
  for (const { selector } of document.interfaces.filter((wish) => !used.has(wish))) {
    problems.push(`there is no interface ${selector.name ?? `with ${JSON.stringify(selector)}`} yet`);
  }
  return { links, ignored, problems };
}

/** The loopback is meant by its name only. */
function isMeant(selector: LinkSelector, fact: LinkFacts): boolean {
  return isSelected(selector, fact) && (fact.link.type !== LOOPBACK || selector.name !== undefined);
}

function dhcpOf(
  own: readonly InterfaceWish[],
  { link }: LinkFacts,
  { ip, hostname, earlier }: { ip: IpParameter | undefined; hostname: string; earlier: number },
  problems: string[],
): WantedLink['dhcp'] | undefined {
  const dhcp = own.findLast((wish) => wish.dhcp !== undefined)?.dhcp;
  if (dhcp === undefined) return undefined;
  const hasKernelAddress = ip?.kind === 'static' && own.some((wish) => wish.addresses.includes(ip.address));
  if (ip?.kind === 'off' || hasKernelAddress) {
    problems.push(`${link.name}: no DHCP, since the kernel command line has ip=, which is stronger`);
    return undefined;
  }
  const name = (ip?.kind === 'dhcp' ? ip.hostname : undefined) ?? hostname;
  return { ...dhcp, metric: dhcp.metric ?? DHCP_METRIC + earlier, ...(name !== '' && { hostname: name }) };
}

/** What PID 1 has done at the start (or left to us), as a wish like others: so it is kept, too. */
function ofKernel(ip: IpParameter | undefined, facts: readonly LinkFacts[]): InterfaceWish[] {
  if (ip === undefined || ip.kind === 'off') return [];
  const name = ip.device ?? facts.find(({ isFirstChoice }) => isFirstChoice)?.link.name;
  if (name === undefined) return [];
  const wish: InterfaceWish = { selector: { name }, isIgnored: false, addresses: [], routes: [] };
  if (ip.kind === 'dhcp') return [{ ...wish, dhcp: { isHostnameIgnored: false } }];
  const { address, gateway } = ip;
  const route: RouteWish = {
    family: 'inet',
    destination: 'default',
    ...(gateway !== undefined && { gateway }),
    metric: defaultMetric('inet'),
  };
  return [{ ...wish, addresses: [address], routes: gateway === undefined ? [] : [route] }];
}
