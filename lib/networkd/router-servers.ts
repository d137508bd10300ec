import { errorCode, errorMessage } from '../base/errors.js';
import { MAX_TIMER_MS } from '../base/units.js';
import type { AdvertisedNameServers, NetlinkModule, NetlinkMonitor } from '../native/contract.js';
import { AdvertisedServers, isLinkLocal } from './advertised-servers.js';

export interface RouterServersOptions {
  netlink: Pick<NetlinkModule, 'monitorNameServers' | 'solicitRouters'>;
  /** Others are good now. */
  changed(): void;
  /** Routers cannot be heard any more. */
  fail(error: Error): void;
  log(text: string): void;
}

/** An interface that is kept, and what its routers have said. */
interface Heard {
  name: string;
  list: AdvertisedServers;
  /** What was told last. */
  told: string;
  /** How often routers are still to be asked. */
  questions: number;
  question: NodeJS.Timeout | undefined;
}

/** Of RFC 4861, section 10: so often, and no sooner again. */
const MAX_QUESTIONS = 3;
const QUESTION_MS = 4000;
/** The first question lets the kernel's own go first, when the link has just come up. */
const FIRST_QUESTION_MS = 1000;
/** Who is on the link may advertise as fast as he likes; files are not written more often than that. */
const PAUSE_MS = 1000;
/** No link-local address yet, or no IPv6, or the interface is gone. */
const NOT_NOW = /^(EADDRNOTAVAIL|ENETUNREACH|ENETDOWN|ENODEV)$/;
/** The longest that a timer of Node's can wait. */

/**
 * The name servers that routers advertise on the interfaces that are kept (RFC 8106). The kernel remembers none of them, and asks routers
 * only when a link comes up, which may have been before we were there: so they are asked again, until the first of them says something.
 */
export class RouterServers {
  private readonly heard = new Map<number, Heard>();
  private monitor: NetlinkMonitor | undefined;
  private timer: NodeJS.Timeout | undefined;
  private toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RouterServersOptions) {}

  /** Begins to listen. @throws what the kernel says when that cannot be */
  start(): void {
    const { netlink, fail } = this.options;
    this.monitor = netlink.monitorNameServers({
      onNameServers: (advertised, hasLost) => {
        for (const one of advertised) this.take(one);
        if (hasLost) for (const index of this.heard.keys()) this.ask(index);
        this.tellWithin(Math.max(0, this.toldAtMs + PAUSE_MS - performance.now()));
      },
      onError: fail,
    });
  }

  stop(): void {
    this.monitor?.close();
    clearTimeout(this.timer);
    for (const { question } of this.heard.values()) clearTimeout(question);
    this.heard.clear();
  }

  /** The interfaces that are kept from now on; what was said on others is forgotten. */
  keep(links: readonly { index: number; name: string }[]): void {
    const names = new Map(links.map(({ index, name }) => [index, name]));
    let hasChanged = false;
    for (const [index, { question, name, told }] of this.heard) {
      if (names.get(index) === name) continue;
      clearTimeout(question);
      this.heard.delete(index);
      hasChanged ||= told !== '';
    }
    for (const [index, name] of names) {
      if (this.heard.has(index)) continue;
      const list = new AdvertisedServers(() => performance.now());
      this.heard.set(index, { name, list, told: '', questions: 0, question: undefined });
      this.ask(index);
    }
    if (hasChanged) this.options.changed();
  }

  /** Those that are good on an interface, without those that have to be asked by it. */
  of(index: number): string[] {
    return (this.heard.get(index)?.list.servers ?? []).filter((server) => !isLinkLocal(server));
  }

  /** All of them, as resolv.conf(5) wants them: link-local ones with their interface. */
  get all(): string[] {
    return [...this.heard.values()].flatMap(({ name, list }) =>
      list.servers.map((server) => (isLinkLocal(server) ? `${server}%${name}` : server)),
    );
  }

  private take(advertised: AdvertisedNameServers): void {
    const heard = this.heard.get(advertised.index);
    if (!heard) return;
    clearTimeout(heard.question);
    heard.question = undefined;
    heard.list.take(advertised);
  }

  /** Asks the routers of a link, again and again, until there is an answer or they have been asked often enough. */
  private ask(index: number): void {
    const heard = this.heard.get(index);
    if (!heard || !this.monitor || heard.question !== undefined) return;
    heard.questions = MAX_QUESTIONS;
    const question = () => {
      heard.questions--;
      heard.question = heard.questions > 0 ? setTimeout(question, QUESTION_MS) : undefined;
      try {
        this.options.netlink.solicitRouters(index);
      } catch (error) {
        // The kernel itself asks when it has an address.
        if (!NOT_NOW.test(errorCode(error) ?? ''))
          this.options.log(`${heard.name}: routers were not asked: ${errorMessage(error)}`);
      }
    };
    heard.question = setTimeout(question, FIRST_QUESTION_MS);
  }

  private tellWithin(delayMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), Math.min(Math.ceil(delayMs), MAX_TIMER_MS));
  }

  /** Says what is new, and looks again when the next one ends. */
  private tell(): void {
    this.toldAtMs = performance.now();
    let hasChanged = false;
    for (const heard of this.heard.values()) {
      const servers = heard.list.servers.join(' ');
      if (servers === heard.told) continue;
      heard.told = servers;
      hasChanged = true;
      const what = servers === '' ? 'no name server any more' : `name servers ${servers}`;
      this.options.log(`${heard.name}: routers advertise ${what}`);
    }
    const nextMs = Math.min(...[...this.heard.values()].map(({ list }) => list.nextEndMs), Number.POSITIVE_INFINITY);
    if (nextMs !== Number.POSITIVE_INFINITY) this.tellWithin(Math.max(0, nextMs - this.toldAtMs));
    if (hasChanged) this.options.changed();
  }
}
