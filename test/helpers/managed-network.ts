/** networkd's manager on interfaces of a network namespace, and what the kernel says of those. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type InterfaceWish, type NetworkDocument, NO_NETWORK } from '../../lib/config/network-document.js';
import type { NetworkFacts, PodRoute } from '../../lib/control/protocol.js';
import { loadNative } from '../../lib/native/index.js';
import { NetworkManager } from '../../lib/networkd/network-manager.js';
import { parseIpParameter } from '../../lib/os/ip-parameter.js';
import { within } from './deadline.js';
import { ip } from './dhcp/link.js';

const DEADLINE_MS = 20_000;

/** A /proc/sys in which no interface has any setting. */
function withoutSettings(t: Test): string {
  const procSys = t.testdir({});
  mkdirSync(join(procSys, 'net/ipv6/conf'), { recursive: true });
  return procSys;
}

/** A manager, and all that it says. */
export class Managed {
  readonly lines: string[] = [];
  readonly reports: NetworkFacts[] = [];
  readonly manager: NetworkManager;
  private wake = (): void => {};

  /** @param procSys  '/proc/sys' where settings of interfaces are to count: it is that of this process's network namespace */
  constructor(t: Test, interfaces: InterfaceWish[], kernel?: string, hostname = '', procSys = withoutSettings(t)) {
    this.manager = new NetworkManager({
      native: loadNative(),
      ip: kernel === undefined ? undefined : parseIpParameter(kernel),
      document: { ...NO_NETWORK, hostname, interfaces },
      procSys,
      report: (facts) => {
        this.reports.push(facts);
        this.wake();
      },
      fail: (error) => t.fail(error.message),
      log: (text) => {
        this.lines.push(text);
        this.wake();
      },
    });
    t.teardown(() => this.manager.stop({ release: false }));
    this.manager.start();
  }

  set(interfaces: InterfaceWish[]): void {
    this.manager.set({ ...NO_NETWORK, interfaces } satisfies NetworkDocument);
  }

  setPodRoutes(routes: PodRoute[]): void {
    this.manager.setPodRoutes(routes);
  }

  /** Waits until something that it says makes this true. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    const look = async () => {
      while (!isTrue()) await new Promise<void>((resolve) => (this.wake = resolve));
    };
    await within(DEADLINE_MS, what, look(), () => this.lines.join('\n'));
  }

  /** Waits until it has said this once more than at the mark. */
  async says(pattern: RegExp, after: number): Promise<void> {
    await this.until(String(pattern), () => this.lines.slice(after).some((line) => pattern.test(line)));
  }
}

/** Global ones of both families, with their prefix lengths. */
export const addresses = (device: string): string[] =>
  (
    JSON.parse(ip(`-j address show dev ${device}`)) as {
      addr_info: { local: string; prefixlen: number; scope: string }[];
    }[]
  )
    .flatMap(({ addr_info }) => addr_info)
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);

/** Of IPv4, as `ip` shows them, without what the kernel adds by itself. */
export const routes = (device: string): string[] =>
  ip(`-4 route show dev ${device}`)
    .split('\n')
    .map((line) => line.trim().replace(/ proto kernel.*| linkdown/, ''))
    .filter((line) => line !== '')
    .sort();
