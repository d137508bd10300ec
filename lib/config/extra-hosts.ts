import type { MachineConfig } from './schema.js';

/**
 * The addresses that the config itself gives a name (`machine.network.extraHostEntries`), in its order; none for any other name. They go before those
 * of name servers, as they do with the /etc/hosts that is made of them. Pure.
 */
export function extraAddresses({ machine }: Pick<MachineConfig, 'machine'>, name: string): string[] {
  const wanted = name.toLowerCase();
  const entries = machine.network?.extraHostEntries ?? [];
  const found = entries.filter(({ aliases }) => aliases.some((alias) => alias.toLowerCase() === wanted));
  return [...new Set(found.map(({ ip }) => ip))];
}
