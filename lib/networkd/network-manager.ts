/**
 * Keeps the network of the node as it is wanted: looks at what there is, plans, does, and does so again whenever the kernel tells that
 * something has changed. What was done is marked in the kernel, so that a manager which is started again knows its own.
 */
import { errorMessage } from '../base/errors.js';
import type { NetworkDocument } from '../config/network-document.js';
import type { NetworkFacts, PodRoute } from '../control/protocol.js';
import type { Address, Link, NativeAddon, NetlinkMonitor } from '../native/contract.js';
import type { IpParameter } from '../os/ip-parameter.js';
import { DhcpPool } from './dhcp-pool.js';
import { KernelLinks } from './kernel-links.js';
import { type LinkFacts, linkFacts } from './link-facts.js';
import { type LinkState, planLink } from './link-plan.js';
import { applyLinkSettings } from './link-settings.js';
import { type WantedLink, type WantedNetwork, wantedNetwork } from './link-wishes.js';
import { Pace } from './pace.js';
import { PodRoutes } from './pod-routes.js';
import { RouterServers } from './router-servers.js';

export interface NetworkManagerOptions {
  native: Pick<NativeAddon, 'dhcp' | 'clock' | 'netlink'>;
  /** What the kernel command line says. */
  ip: IpParameter | undefined;
  document: NetworkDocument;
  /** Called with what is new about an interface; the last time with nothing, when nobody wants anything of it any more. */
  report(facts: NetworkFacts, isWanted: boolean): void;
  /** Others are in `advertisedServers`. */
  serversChanged?(): void;
  /** The network cannot be watched any more. */
  fail(error: Error): void;
  log(text: string): void;
  /** Folders of the kernel, or others in tests. */
  sysfs?: string;
  procSys?: string;
}

/** What one step makes possible is planned in the next look: a route behind an address, an address that went with another one. */
const MAX_ROUNDS = 4;
/** What is reported of one interface at most. */
const MAX_ADDRESSES = 32;

export class NetworkManager {
  private document: NetworkDocument;
  private readonly links: KernelLinks;
  private readonly pool: DhcpPool;
  private readonly podRoutes: PodRoutes;
  private readonly routers: RouterServers;
  private readonly pace = new Pace(() => performance.now());
  private readonly told = new Map<string, string>();
  /** The MTU of an interface before we changed it. */
  private readonly ownMtus = new Map<number, number>();
  private monitor: NetlinkMonitor | undefined;
  private timer: NodeJS.Timeout | undefined;
  private dueAtMs = Number.POSITIVE_INFINITY;
  private said: string[] = [];

  constructor(private readonly options: NetworkManagerOptions) {
    const { native, log } = options;
    this.document = options.document;
    this.links = new KernelLinks({ netlink: native.netlink, log });
    this.podRoutes = new PodRoutes({ netlink: native.netlink, log });
    this.pool = new DhcpPool({ native, changed: () => this.lookWithin(0), log });
    const changed = () => {
      options.serversChanged?.();
      this.lookWithin(0);
    };
    this.routers = new RouterServers({ netlink: native.netlink, changed, fail: (error) => options.fail(error), log });
  }

  /** Begins, and goes on until `stop`. @throws what the kernel says when it cannot be watched */
  start(): void {
    const { native, fail } = this.options;
    this.routers.start();
    this.monitor = native.netlink.subscribe({
      kinds: ['link', 'address', 'route'],
      onEvents: (events) => this.lookWithin(events.some(({ kind }) => kind === 'resync') ? 0 : this.pace.afterEventMs),
      onError: fail,
    });
  }

  /** Another config. */
  set(document: NetworkDocument): void {
    this.document = document;
    this.lookWithin(0);
  }

  /** Where the pods of other nodes are, all of them. */
  setPodRoutes(routes: readonly PodRoute[]): void {
    this.podRoutes.set(routes);
    this.lookWithin(0);
  }

  /** Leases that there are, the first interface first. */
  get leases() {
    return this.pool.facts;
  }

  /** Name servers that routers advertise; link-local ones with their interface, as in resolv.conf(5). */
  get advertisedServers(): string[] {
    return this.routers.all;
  }

  /**
   * Ends; what was set stays.
   * @param release  gives leased addresses back
   */
  stop({ release }: { release: boolean }): void {
    clearTimeout(this.timer);
    this.monitor?.close();
    this.routers.stop();
    this.pool.stop({ release });
  }

  private lookWithin(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= this.dueAtMs) return;
    clearTimeout(this.timer);
    this.dueAtMs = at;
    this.timer = setTimeout(() => this.look(), delayMs);
  }

  private look(): void {
    this.dueAtMs = Number.POSITIVE_INFINITY;
    const result = { hasChanged: false, hasFailed: false };
    try {
      this.converge(result);
    } catch (error) {
      // An interface that goes while it is looked at; everything is looked at again.
      this.options.log(`the network could not be looked at: ${errorMessage(error)}`);
      result.hasFailed = true;
    }
    const again = this.pace.looked(result);
    if (again !== undefined) this.lookWithin(again);
  }

  private converge(result: { hasChanged: boolean; hasFailed: boolean }): void {
    const { native, ip, sysfs, procSys } = this.options;
    let facts = linkFacts(native.netlink, sysfs);
    const wanted = wantedNetwork(this.document, ip, facts);
    this.tellWanted(wanted);
    const wishes = new Map(wanted.links.map((link) => [link.index, link]));
    for (const { name } of wanted.links) applyLinkSettings(name, this.options.log, procSys);
    // Before new addresses come: those of the same network would go together with one that was leased before them.
    this.pool.endOthers(wanted.links);
    this.routers.keep(wanted.links);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const states = this.links.states(facts.map(({ link }) => link));
      let isDone = true;
      for (const { link } of facts.filter(({ link: { index } }) => !wanted.ignored.has(index))) {
        const state = states.get(link.index);
        if (!state) continue;
        for (const change of planLink(this.wishFor(wishes.get(link.index), link, state), state)) {
          isDone = false;
          if (this.links.apply(link, change)) result.hasChanged = true;
          else result.hasFailed = true;
        }
      }
      if (isDone || result.hasFailed) break;
      facts = linkFacts(native.netlink, sysfs);
    }
    this.podRoutes.converge(wanted.links, result);
    this.pool.begin(wanted.links, native.netlink.link.list());
    this.reportAll(wanted.links, facts);
  }

  /** Without a wish for its MTU an interface gets back what it had before there was one. */
  private wishFor(wish: WantedLink | undefined, { index }: Link, state: LinkState) {
    const own = this.ownMtus.get(index);
    if (wish?.mtu !== undefined) {
      if (own === undefined && wish.mtu !== state.mtu) this.ownMtus.set(index, state.mtu);
      return wish;
    }
    if (own === undefined) return wish;
    if (own === state.mtu) this.ownMtus.delete(index);
    return { addresses: [], routes: [], ...wish, mtu: own };
  }

  private tellWanted({ links, problems }: WantedNetwork): void {
    const names = links.map(({ name }) => name).join(', ');
    const lines = [names === '' ? 'there is no interface to keep' : `keeping ${names}`, ...problems];
    const fresh = lines.filter((line) => !this.said.includes(line));
    this.said = lines;
    for (const line of fresh) this.options.log(line);
  }

  private reportAll(wanted: readonly WantedLink[], facts: readonly LinkFacts[]): void {
    const states = this.links.states(facts.map(({ link }) => link));
    for (const { index, name, dhcp } of wanted) {
      const link = facts.find((fact) => fact.link.index === index)?.link;
      const leased = this.pool.factsOf(index);
      const report: NetworkFacts = {
        ...(leased ?? nothingLeased(name)),
        // The client knows it by the name that it had when it was started.
        link: name,
        dnsServers: [...(leased?.dnsServers ?? []), ...this.routers.of(index)],
        carrier: link?.hasCarrier ?? false,
        otherAddresses: reachable(states.get(index)?.all ?? []).filter((address) => address !== leased?.address),
        dhcp: dhcp !== undefined,
      };
      this.tell(report, true);
    }
    // Of one that nobody wants any more nothing is known.
    for (const name of [...this.told.keys()].filter((told) => wanted.every((link) => link.name !== told))) {
      this.tell({ ...nothingLeased(name), carrier: false, otherAddresses: [], dhcp: false }, false);
      this.told.delete(name);
    }
  }

  private tell(report: NetworkFacts, isWanted: boolean): void {
    const text = JSON.stringify(report);
    if (this.told.get(report.link) === text) return;
    this.told.set(report.link, text);
    this.options.report(report, isWanted);
  }
}

function nothingLeased(link: string) {
  return { link, address: '', dnsServers: [], ntpServers: [], domain: '', searchDomains: [], hostname: '' };
}

/** Addresses at which others may reach the node from now on. */
function reachable(addresses: readonly Address[]): string[] {
  return addresses
    .filter(({ scope, flags }) => scope === 'global' && !flags.includes('tentative') && !flags.includes('dadfailed'))
    .map(({ address }) => address)
    .slice(0, MAX_ADDRESSES);
}
