import type { Address, NetlinkEvent, Route } from '../../lib/native/contract.js';

/** What a subscriber knows who believes nothing but the events: sets of keys, to be compared with fresh lists. */
export class NetworkModel {
  private readonly known = {
    link: new Set<string>(),
    address: new Set<string>(),
    route: new Map<string, string[]>(),
  };

  static addressKeys(addresses: Address[]): string[] {
    return addresses.map(addressKey).sort();
  }

  static routeKeys(routes: Route[]): string[] {
    return routes.map((route) => `${routePlace(route)} ${routeWay(route)}`).sort();
  }

  links(): string[] {
    return [...this.known.link].sort();
  }

  addresses(): string[] {
    return [...this.known.address].sort();
  }

  routes(): string[] {
    return [...this.known.route].flatMap(([place, ways]) => ways.map((way) => `${place} ${way}`)).sort();
  }

  apply(event: NetlinkEvent): void {
    if (event.kind === 'resync') {
      const { link, address, route } = event.snapshot;
      if (link)
        fill(
          this.known.link,
          link.map(({ name }) => name),
        );
      if (address) fill(this.known.address, address.map(addressKey));
      if (route) {
        this.known.route.clear();
        for (const each of route) this.addRoute(each);
      }
    } else if (event.kind === 'link') {
      change(this.known.link, event.object.name, event.change);
    } else if (event.kind === 'address') {
      change(this.known.address, addressKey(event.object), event.change);
    } else if (event.kind === 'route') {
      this.applyRoute(event.object, event.change);
    }
  }

  private applyRoute(route: Route, how: 'new' | 'replaced' | 'removed'): void {
    const ways = this.known.route.get(routePlace(route)) ?? [];
    if (how === 'new') this.addRoute(route);
    else if (how === 'replaced') this.known.route.set(routePlace(route), [routeWay(route), ...ways.slice(1)]);
    else {
      const left = ways.filter((way) => way !== routeWay(route));
      this.known.route.set(routePlace(route), left);
    }
  }

  private addRoute(route: Route): void {
    const ways = this.known.route.get(routePlace(route)) ?? [];
    if (!ways.includes(routeWay(route))) this.known.route.set(routePlace(route), [...ways, routeWay(route)]);
  }
}

function fill(set: Set<string>, entries: string[]): void {
  set.clear();
  for (const entry of entries) set.add(entry);
}

function change(set: Set<string>, key: string, how: string): void {
  if (how === 'removed') set.delete(key);
  else set.add(key);
}

const addressKey = ({ index, address, peer }: Address) => [index, address, ...(peer ? [peer] : [])].join(' ');

/** Of several routes with the same, one is in front of the other. */
const routePlace = ({ family, table, destination, source, tos, priority }: Route) =>
  [family, table, destination, source ?? '-', tos, priority ?? 0].join(' ');

const routeWay = ({ type, index, gateway, preferredSource, protocol, nextHops }: Route) =>
  [
    type,
    index,
    gateway,
    preferredSource,
    protocol,
    ...(nextHops ?? []).map((hop) => `${hop.index}/${hop.gateway}`),
  ].join(' ');
