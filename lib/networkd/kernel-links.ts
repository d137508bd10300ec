/** Interfaces as the kernel has them, and the steps of a plan done to them. */
import { errorCode, errorMessage } from '../base/errors.js';
import { canonicalAddress, canonicalPrefix } from '../base/ip-address.js';
import { defaultMetric, type RouteWish } from '../config/network-document.js';
import type { Address, AddressCalls, Link, LinkCalls, Route, RouteCalls } from '../native/contract.js';
import { CONFIG_PROTOCOL } from '../os/route-origin.js';
import { describeChange, type LinkChange, type LinkState } from './link-plan.js';

const MAIN_TABLE = 254;
/** Went with something else, or by itself. */
const GONE = /^(ESRCH|EADDRNOTAVAIL|ENODEV|ENOENT)$/;

export interface KernelLinksOptions {
  netlink: {
    link: Pick<LinkCalls, 'set'>;
    address: Pick<AddressCalls, 'list' | 'add' | 'delete'>;
    route: Pick<RouteCalls, 'list' | 'replace' | 'delete'>;
  };
  log(text: string): void;
}

export class KernelLinks {
  private readonly failed = new Map<string, string>();

  constructor(private readonly options: KernelLinksOptions) {}

  /** Of all interfaces at once, by index. Does not block. */
  states(links: readonly Link[]): Map<number, LinkState & { all: readonly Address[] }> {
    const { address, route } = this.options.netlink;
    const addresses = byIndex(address.list());
    const routes = byIndex(route.list({ table: MAIN_TABLE, type: 'unicast' }));
    return new Map(
      links.map(({ index, isUp, mtu }) => {
        const all = addresses.get(index) ?? [];
        const known = all.map((one) => ({
          address: canonicalPrefix(one.address),
          isOwn: one.protocol === CONFIG_PROTOCOL,
        }));
        return [index, { isUp, mtu, addresses: known, routes: (routes.get(index) ?? []).map(stateOfRoute), all }];
      }),
    );
  }

  /**
   * Does one step. What the kernel refuses is logged, once until it says something else.
   * @returns whether it was done
   */
  apply(link: Pick<Link, 'index' | 'name'>, change: LinkChange): boolean {
    const what = `${link.name}: ${describeChange(change)}`;
    try {
      this.make(link.index, change);
      this.options.log(what);
      this.failed.delete(what);
      return true;
    } catch (error) {
      if (change.kind.startsWith('remove') && GONE.test(errorCode(error) ?? '')) return true;
      const why = errorMessage(error);
      if (this.failed.get(what) !== why) this.options.log(`${what} failed: ${why}`);
      this.failed.set(what, why);
      return false;
    }
  }

  private make(index: number, change: LinkChange): void {
    const { link, address, route } = this.options.netlink;
    switch (change.kind) {
      case 'set-up':
        link.set(index, { isUp: true });
        break;
      case 'set-mtu':
        link.set(index, { mtu: change.mtu });
        break;
      case 'add-address':
        address.add({ index, address: change.address, protocol: CONFIG_PROTOCOL });
        break;
      case 'remove-address':
        address.delete({ index, address: change.address });
        break;
      case 'set-route':
        route.replace({ ...specOf(change.route, index), protocol: CONFIG_PROTOCOL });
        break;
      case 'remove-route':
        route.delete({ ...specOf(change.route, index), table: MAIN_TABLE, protocol: CONFIG_PROTOCOL });
        break;
    }
  }
}

function specOf({ family, destination, gateway, source, metric, mtu }: RouteWish, index: number) {
  return {
    family,
    destination: destination === 'default' ? (family === 'inet' ? '0.0.0.0/0' : '::/0') : destination,
    index,
    priority: metric,
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { preferredSource: source }),
    ...(mtu !== undefined && { mtu }),
  };
}

function stateOfRoute(route: Route): RouteWish & { isOwn: boolean } {
  const { family, destination, gateway, preferredSource, priority, mtu } = route;
  return {
    family,
    destination,
    ...(gateway !== undefined && { gateway: canonicalAddress(gateway) }),
    ...(preferredSource !== undefined && { source: canonicalAddress(preferredSource) }),
    metric: priority ?? defaultMetric(family),
    ...(mtu !== undefined && { mtu }),
    isOwn: route.protocol === CONFIG_PROTOCOL,
  };
}

function byIndex<Entry extends { index?: number | undefined }>(
  entries: readonly Entry[],
): Map<number | undefined, Entry[]> {
  const found = new Map<number | undefined, Entry[]>();
  for (const entry of entries) {
    const known = found.get(entry.index);
    if (known) known.push(entry);
    else found.set(entry.index, [entry]);
  }
  return found;
}
