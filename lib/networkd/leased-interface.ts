import { errorCode, errorMessage } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { ClockModule, Link, NetlinkModule } from '../native/contract.js';
import type { Lease } from './dhcp/lease.js';
import type { HeldAddress } from './dhcp/state.js';
import { type InterfaceChange, type InterfaceState, planChanges } from './interface-plan.js';

export interface LeasedInterfaceOptions {
  netlink: { link: Pick<NetlinkModule['link'], 'get' | 'set'> } & Pick<NetlinkModule, 'address' | 'route'>;
  clock: Pick<ClockModule, 'bootTimeMs'>;
  link: Pick<Link, 'index' | 'name' | 'mtu'>;
  /** Of the routes; 1024 if absent. Routes that somebody writes down have a lower one, and so win. */
  metric?: number | undefined;
  /** The MTU is left as it is, whatever a lease says. */
  isMtuFixed?: boolean | undefined;
  log(text: string): void;
}

const MAIN_TABLE = 254;
const METRIC = 1024;
const DEFAULT_DESTINATION = '0.0.0.0/0';

/** An interface as far as leases decide about it. The kernel is the memory: what is on it now is what it was given. */
export class LeasedInterface {
  constructor(private readonly options: LeasedInterfaceOptions) {}

  /** An address of a lease that an earlier run of this process got, and how long it lasts. @throws what the kernel says */
  held(): HeldAddress | undefined {
    const nowMs = this.options.clock.bootTimeMs();
    const [longest] = this.leasedAddresses().sort((a, b) => b.lifetimeSeconds - a.lifetimeSeconds);
    if (!longest) return undefined;
    const [address = ''] = longest.address.split('/');
    return { address, expiresAtMs: nowMs + longest.lifetimeSeconds * SECOND_MS };
  }

  /**
   * Makes the interface as the lease wants it, or free of leases. What the kernel refuses is logged, and the rest done all the same: an
   * address without one of its routes is better than none.
   * @returns whether it has all that it should have
   */
  apply(lease: Lease | undefined): boolean {
    const { clock, link } = this.options;
    const state = this.state();
    const limits = {
      nowMs: clock.bootTimeMs(),
      ...(this.options.isMtuFixed ? { fixedMtu: state.mtu } : {}),
      ownMtu: link.mtu,
    };
    const changes = planChanges(state, lease, limits);
    // All of them: `every` would stop at the first failure.
    return changes.filter((change) => !this.change(change)).length === 0;
  }

  private state(): InterfaceState {
    const { netlink, link } = this.options;
    const routes = netlink.route.list({ family: 'inet', index: link.index, table: MAIN_TABLE, protocol: 'dhcp' });
    return {
      mtu: netlink.link.get(link.index)?.mtu ?? link.mtu,
      leasedAddresses: this.leasedAddresses().map(({ address }) => address),
      leasedRoutes: routes.map(({ destination, gateway }) => ({
        destination: destination === 'default' ? DEFAULT_DESTINATION : destination,
        ...(gateway !== undefined && { gateway }),
      })),
    };
  }

  private leasedAddresses(): { address: string; lifetimeSeconds: number }[] {
    const { netlink, link } = this.options;
    return netlink.address
      .list({ family: 'inet', index: link.index })
      .flatMap(({ address, validLifetimeSec }) =>
        validLifetimeSec === undefined ? [] : [{ address, lifetimeSeconds: validLifetimeSec }],
      );
  }

  private change(change: InterfaceChange): boolean {
    try {
      this.make(change);
      return true;
    } catch (error) {
      // What is to go may have gone with something else, or by itself.
      if (change.kind.startsWith('remove') && /^(ESRCH|EADDRNOTAVAIL|ENODEV)$/.test(errorCode(error) ?? ''))
        return true;
      this.options.log(`${this.options.link.name}: ${describe(change)} failed: ${errorMessage(error)}`);
      return false;
    }
  }

  private make(change: InterfaceChange): void {
    const { netlink, link } = this.options;
    const { index } = link;
    switch (change.kind) {
      case 'remove-route':
        netlink.route.delete({ ...change.route, family: 'inet', index, table: MAIN_TABLE, protocol: 'dhcp' });
        return;
      case 'remove-address':
        netlink.address.delete({ index, address: change.address });
        return;
      case 'set-mtu':
        netlink.link.set(index, { mtu: change.mtu });
        return;
      case 'set-address': {
        const lifetime = change.lifetimeSeconds;
        netlink.address.replace({
          index,
          address: change.address,
          validLifetimeSec: lifetime,
          preferredLifetimeSec: lifetime,
        });
        return;
      }
      case 'set-route':
        netlink.route.replace({
          ...change.route,
          family: 'inet',
          index,
          preferredSource: change.source,
          protocol: 'dhcp',
          priority: this.options.metric ?? METRIC,
        });
    }
  }
}

function describe(change: InterfaceChange): string {
  if ('route' in change) {
    const { destination, gateway } = change.route;
    return `${change.kind} ${destination}${gateway === undefined ? '' : ` by ${gateway}`}`;
  }
  return `${change.kind} ${'mtu' in change ? change.mtu : change.address}`;
}
