import { hasCommon, rangeOf } from '../base/subnets.js';
import { SECOND_MS } from '../base/units.js';
import type { AdvertisedNameServers } from '../native/contract.js';

/** Of one interface. More than anybody asks; whoever is on the link may advertise as many as he likes. */
export const MAX_ADVERTISED = 8;

/** Unspecified, loopback and those that mean IPv4; IPv4 in IPv6; multicast. */
const REFUSED = ['::/96', '::ffff:0:0/96', 'ff00::/8'].map(rangeOf);
const LINK_LOCAL = rangeOf('fe80::/10');

/** Whether a name server can have this address. Pure. */
export function isServerAddress(address: string): boolean {
  const range = rangeOf(address);
  return !REFUSED.some((refused) => hasCommon(range, refused));
}

/** Whether the address means something on its link only, so that it has to be asked by an interface. Pure. */
export function isLinkLocal(address: string): boolean {
  return hasCommon(rangeOf(address), LINK_LOCAL);
}

/** The name servers that routers have advertised on one interface, as long as they are good (RFC 8106, section 6.2). */
export class AdvertisedServers {
  /** When each ends. One that is advertised again keeps its place. */
  private readonly endsAtMs = new Map<string, number>();

  /** @param nowMs  of a clock that does not jump */
  constructor(private readonly nowMs: () => number) {}

  /** Takes what one option says. Of more than there is room for, those stay that last longest. */
  take({ lifetimeSeconds, servers }: Pick<AdvertisedNameServers, 'lifetimeSeconds' | 'servers'>): void {
    this.prune();
    for (const server of servers.filter(isServerAddress).slice(0, MAX_ADVERTISED)) {
      if (lifetimeSeconds === 0) this.endsAtMs.delete(server);
      else this.keep(server, this.nowMs() + lifetimeSeconds * SECOND_MS);
    }
  }

  /** Those that are good now, the first that was advertised first. */
  get servers(): string[] {
    this.prune();
    return [...this.endsAtMs.keys()];
  }

  /** When the next one ends, by the same clock; Infinity: none does. */
  get nextEndMs(): number {
    return Math.min(...this.endsAtMs.values(), Number.POSITIVE_INFINITY);
  }

  private keep(server: string, endsAtMs: number): void {
    if (!this.endsAtMs.has(server) && this.endsAtMs.size >= MAX_ADVERTISED) {
      const [first] = [...this.endsAtMs].sort(([, one], [, other]) => one - other);
      if (first) this.endsAtMs.delete(first[0]);
    }
    this.endsAtMs.set(server, endsAtMs);
  }

  private prune(): void {
    for (const [server, endsAtMs] of this.endsAtMs) {
      if (endsAtMs <= this.nowMs()) this.endsAtMs.delete(server);
    }
  }
}
