import type { Publish } from './node-events.js';

/** Under which name and which addresses the node can be reached, as far as it was set up by us. Published whenever that changes. */
export class AddressBook {
  private readonly byLink = new Map<string, string[]>();
  private hostname = '';
  private told = '';

  constructor(private readonly publish: Publish) {}

  setName(hostname: string): void {
    this.hostname = hostname;
    this.tell();
  }

  /**
   * @param addresses  all that the interface has, with or without a prefix length; '' is none
   * @returns whether that is new
   */
  setAddresses(link: string, addresses: readonly string[]): boolean {
    const plain = addresses.filter((address) => address !== '').map((address) => address.replace(/\/.*$/, ''));
    const isNew = JSON.stringify(plain) !== JSON.stringify(this.byLink.get(link) ?? []);
    if (plain.length === 0) this.byLink.delete(link);
    else this.byLink.set(link, plain);
    this.tell();
    return isNew;
  }

  private tell(): void {
    const addresses = [...this.byLink.values()].flat();
    const text = JSON.stringify([this.hostname, addresses]);
    // A name alone reaches nobody.
    if (text === this.told || (addresses.length === 0 && this.told === '')) return;
    this.told = text;
    this.publish({ kind: 'address', hostname: this.hostname, addresses });
  }
}
