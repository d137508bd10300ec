import { extraAddresses } from '../../config/extra-hosts.js';
import type { MachineConfig } from '../../config/schema.js';
import { resolveAll } from '../../os/resolve.js';

/**
 * Where the control planes are that a name stands for: what the config says of it, else what name servers do.
 * @param nameServers  asked for only when they are needed
 * @throws TalosError ERR_RESOLVE  with a sentence
 */
export async function endpointAddresses(
  name: string,
  config: Pick<MachineConfig, 'machine'>,
  nameServers: () => Promise<string[]>,
): Promise<string[]> {
  const own = extraAddresses(config, name);
  return own.length > 0 ? own : resolveAll(name, await nameServers());
}
