import type { NetworkFacts } from '../control/protocol.js';

/** What networkd tells of itself: healthy while its interfaces have what the node is reached at. */
export function healthOf(
  interfaces: readonly Pick<NetworkFacts, 'link' | 'carrier' | 'address' | 'otherAddresses' | 'dhcp'>[],
): { healthy: boolean; message: string } {
  if (interfaces.length === 0) return { healthy: true, message: 'no interface is to be configured' };
  const bad = interfaces.map(problemOf).filter((problem) => problem !== undefined);
  if (bad.length > 0) return { healthy: false, message: bad.join('; ') };
  const said = interfaces.map(({ link, address, otherAddresses }) => {
    const all = [address, ...otherAddresses].filter((one) => one !== '');
    return `${link} has ${all.length === 0 ? 'no address' : all.join(', ')}`;
  });
  return { healthy: true, message: said.join('; ') };
}

function problemOf({ link, carrier, address, dhcp }: Parameters<typeof healthOf>[0][number]): string | undefined {
  if (!carrier) return `${link} has no carrier`;
  return dhcp && address === '' ? `${link} has no address yet: no DHCP server has answered` : undefined;
}
