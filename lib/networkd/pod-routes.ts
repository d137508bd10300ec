import { errorCode, errorMessage } from '../base/errors.js';
import { canonicalAddress, networkOf } from '../base/ip-address.js';
import type { PodRoute } from '../control/protocol.js';
import type { Address, AddressCalls, Route, RouteCalls } from '../native/contract.js';
import { POD_PROTOCOL } from '../os/route-origin.js';
import { type KernelRoute, type PlacedRoute, planPodRoutes } from './pod-route-plan.js';

export interface PodRoutesOptions {
  netlink: { address: Pick<AddressCalls, 'list'>; route: Pick<RouteCalls, 'list' | 'replace' | 'delete'> };
  log(text: string): void;
}

const MAIN_TABLE = 254;
/** Behind what anybody else says about the same network, until that is seen and the route goes. */
const METRIC = 2048;
const GONE = /^(ESRCH|ENODEV|ENOENT)$/;

/** Keeps the routes to the pods of other nodes in the kernel. They are marked (protocol 85): a keeper that is started again knows its own. */
export class PodRoutes {
  private wanted: readonly PodRoute[] = [];
  private said: string[] = [];
  private readonly failed = new Map<string, string>();

  constructor(private readonly options: PodRoutesOptions) {}

  /** All of them. */
  set(wanted: readonly PodRoute[]): void {
    this.wanted = wanted.map(({ destination, gateway }) => ({
      destination: networkOf(destination),
      gateway: canonicalAddress(gateway),
    }));
  }

  /**
   * Makes what there is what is wanted, as far as it may be. Does not block.
   * @param links  that networkd keeps: gateways are on those
   * @param result  told what has happened
   */
  converge(
    links: readonly { index: number; name: string }[],
    result: { hasChanged: boolean; hasFailed: boolean },
  ): void {
    const { netlink } = this.options;
    const addresses = netlink.address.list();
    const plan = planPodRoutes(this.wanted, {
      links: links.map(({ index, name }) => ({ index, name, addresses: networksOf(addresses, index) })),
      ownAddresses: addresses.map(({ address }) => hostOf(address)),
      routes: netlink.route.list({ table: MAIN_TABLE }).map(stateOf),
    });
    this.tell(plan.problems);
    for (const route of plan.remove) this.attempt(`without route ${describe(route)}`, result, () => this.remove(route));
    for (const { name, ...route } of plan.set) {
      this.attempt(`${name}: route ${describe(route)}`, result, () =>
        netlink.route.replace({ ...specOf(route), gateway: route.gateway, index: route.index }),
      );
    }
  }

  private remove(route: PlacedRoute): void {
    try {
      this.options.netlink.route.delete({ ...specOf(route), table: MAIN_TABLE });
    } catch (error) {
      if (!GONE.test(errorCode(error) ?? '')) throw error;
    }
  }

  private attempt(what: string, result: { hasChanged: boolean; hasFailed: boolean }, work: () => void): void {
    try {
      work();
      this.options.log(`pods: ${what}`);
      this.failed.delete(what);
      result.hasChanged = true;
    } catch (error) {
      const why = errorMessage(error);
      if (this.failed.get(what) !== why) this.options.log(`pods: ${what} failed: ${why}`);
      this.failed.set(what, why);
      result.hasFailed = true;
    }
  }

  /** Each as long as it is there once. */
  private tell(problems: string[]): void {
    for (const problem of problems) if (!this.said.includes(problem)) this.options.log(problem);
    this.said = problems;
  }
}

/** Of both families; those that mean something on their link only lead to no node. */
function networksOf(addresses: readonly Address[], index: number): string[] {
  return addresses.filter((one) => one.index === index && one.scope === 'global').map(({ address }) => address);
}

function hostOf(address: string): string {
  return canonicalAddress(address.replace(/\/.*/, ''));
}

function specOf({ destination }: PodRoute) {
  return { destination, priority: METRIC, protocol: POD_PROTOCOL };
}

function stateOf({ destination, gateway, index, protocol, priority }: Route): KernelRoute {
  return {
    destination,
    ...(gateway !== undefined && { gateway: canonicalAddress(gateway) }),
    ...(index !== undefined && { index }),
    isOwn: protocol === POD_PROTOCOL && priority === METRIC,
  };
}

function describe({ destination, gateway }: PodRoute): string {
  return `${destination} by ${gateway}`;
}
