import type {
  AddressCalls,
  Link,
  LinkCalls,
  NetlinkModule,
  RouteCalls,
  Uevent,
  UeventHandlers,
} from '../../../lib/native/contract.js';

/** The part of the netlink module that lib/os uses: it records what is asked of it, and sends the events it is told to. */
export class FakeNetlink implements Pick<NetlinkModule, 'monitorUevents'> {
  readonly calls: unknown[] = [];
  linksThere: Link[] = [];
  private readonly monitors = new Set<UeventHandlers>();

  get openMonitors(): number {
    return this.monitors.size;
  }

  readonly link: Pick<LinkCalls, 'list' | 'set'> = {
    list: () => this.linksThere,
    set: (index, change) => void this.calls.push(['link', index, change]),
  };

  readonly address: Pick<AddressCalls, 'replace'> = {
    replace: (address) => void this.calls.push(['address', address]),
  };

  readonly route: Pick<RouteCalls, 'replace'> = {
    replace: (route) => void this.calls.push(['route', route]),
  };

  monitorUevents(handlers: UeventHandlers) {
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
  return {
    index: 2,
    name,
    type: 1,
    mac: '52:54:00:00:00:01',
    mtu: 1500,
    isUp: false,
    hasCarrier: false,
    operState: 'down',
    flags: [],
    transmitQueueLength: 1000,
    alternativeNames: [],
    ...more,
  };
}
