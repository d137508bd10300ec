import type { IpParameter } from '../os/ip-parameter.js';

/** An interface whose address is to be asked for; '' for the first one. */
export interface DhcpWish {
  link: string;
  /** The name that the server is told; '' for none. */
  hostname: string;
}

/** Whether DHCP is wanted, and by which interface. The kernel command line is asked first; where it says nothing, the config may. */
export class DhcpWishes {
  private wish: DhcpWish | undefined;
  private isDecided = false;

  get current(): DhcpWish | undefined {
    return this.wish;
  }

  /** @param ip  undefined when the kernel command line has no `ip=` */
  decide(ip: IpParameter | undefined): void {
    if (ip === undefined) return;
    this.isDecided = true;
    if (ip.kind === 'dhcp') this.wish = { link: ip.device ?? '', hostname: ip.hostname ?? '' };
  }

  /**
   * By the config.
   * @returns false when the kernel command line has decided
   */
  ask(wish: DhcpWish): boolean {
    if (this.isDecided) return false;
    this.wish = wish;
    return true;
  }
}
