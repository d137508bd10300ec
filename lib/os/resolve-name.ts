import { Resolver } from 'node:dns/promises';

const RESOLVE_MS = 2000;

/**
 * Addresses of a name, those of IPv4 first.
 * @param nameServers  addresses, asked one after the other
 * @throws what DNS says, when there are neither
 */
export async function resolveName(name: string, nameServers: readonly string[]): Promise<string[]> {
  const resolver = new Resolver({ timeout: RESOLVE_MS, tries: 1 });
  resolver.setServers(nameServers);
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [four, six].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (found.length === 0 && four.status === 'rejected') throw four.reason;
  return found;
}
