import type { Link, NetlinkModule, Uevent } from '../../../lib/native/contract.js';

/** A netlink module that records what is asked of it, and sends the events it is told to. */
export class FakeNetlink implements NetlinkModule {
  readonly calls: unknown[] = [];
  linksThere: Link[] = [];
  private readonly monitors = new Set<Parameters<NetlinkModule['monitorUevents']>[0]>();

  get openMonitors(): number {
    return this.monitors.size;
  }

  links(): Link[] {
    return this.linksThere;
  }

  setLinkUp(index: number): void {
    this.calls.push(['up', index]);
  }

  addAddress(index: number, address: string): void {
    this.calls.push(['address', index, address]);
  }

  addRoute(route: { destination: string; gateway?: string; index: number }): void {
    this.calls.push(['route', route]);
  }

  monitorUevents(handlers: Parameters<NetlinkModule['monitorUevents']>[0]) {
    this.monitors.add(handlers);
    return { close: () => void this.monitors.delete(handlers) };
  }

  send(event: Partial<Uevent>): void {
    for (const { onUevent } of this.monitors) {
      onUevent({ action: 'add', devpath: '/devices/x', subsystem: '', properties: {}, ...event });
    }
  }

  overrun(): void {
    for (const { onOverrun } of this.monitors) onOverrun();
  }
}

export function link(name: string, more: Partial<Link> = {}): Link {
  return { index: 2, name, type: 1, mac: '52:54:00:00:00:01', mtu: 1500, isUp: false, hasCarrier: false, ...more };
}
