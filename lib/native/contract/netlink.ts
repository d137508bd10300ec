/** rtnetlink and uevents. */

export interface Link {
  index: number;
  name: string;
  /** ARPHRD type: 1 Ethernet, 772 loopback. */
  type: number;
  mac: string;
  mtu: number;
  isUp: boolean;
  hasCarrier: boolean;
}

export interface Uevent {
  /** 'add' 'remove' 'change' 'bind' … */
  action: string;
  devpath: string;
  subsystem: string;
  properties: Record<string, string>;
}

export interface UeventMonitor {
  close(): void;
}

export interface NetlinkModule {
  /** RTM_GETLINK dump. The kernel answers at once: synchronous. */
  links(): Link[];
  setLinkUp(index: number): void;
  /** `address` in CIDR notation, IPv4 or IPv6; one that is there already is not an error. */
  addAddress(index: number, address: string): void;
  /** `destination` in CIDR notation or 'default'. */
  addRoute(route: { destination: string; gateway?: string; index: number }): void;
  /** NETLINK_KOBJECT_UEVENT, messages from the kernel only. `onOverrun`: events were lost (ENOBUFS), look at sysfs again. */
  monitorUevents(handlers: { onUevent(event: Uevent): void; onOverrun(): void }): UeventMonitor;
}
