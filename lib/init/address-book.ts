import type { Publish } from './node-events.js';

/** Under which name and which addresses the node can be reached, as far as it was set up by us. Published whenever that changes. */
export class AddressBook {
  private readonly byLink = new Map<string, string>();
  private hostname = '';
  private told = '';

  constructor(private readonly publish: Publish) {}

  setName(hostname: string): void {
    this.hostname = hostname;
    this.tell();
  }

  /** @param address  with or without a prefix length; '' when the interface has none any more */
  setAddress(link: string, address: string): void {
    this.byLink.set(link, address.replace(/\/.*$/, ''));
    this.tell();
  }

  private tell(): void {
    const addresses = [...this.byLink.values()].filter((address) => address !== '');
    const text = JSON.stringify([this.hostname, addresses]);
    // A name alone reaches nobody.
    if (text === this.told || (addresses.length === 0 && this.told === '')) return;
    this.told = text;
    this.publish({ kind: 'address', hostname: this.hostname, addresses });
  }
}
