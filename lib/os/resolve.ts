import { Resolver } from 'node:dns/promises';
import { errorCode, TalosError } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';

const TIMEOUT_MS = 2 * SECOND_MS;
const TRIES = 2;

/**
 * All addresses of a name, IPv4 first.
 * @param nameServers  addresses of those that are asked; the image has no resolver of its own
 * @throws TalosError ERR_RESOLVE  with a sentence
 */
export async function resolveAll(name: string, nameServers: readonly string[]): Promise<string[]> {
  if (nameServers.length === 0) throw new TalosError('ERR_RESOLVE', `nobody can be asked for the address of ${name}`);
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(nameServers);
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length > 0) return addresses;
  const [first] = answers;
  const why = first?.status === 'rejected' ? (errorCode(first.reason) ?? 'no answer') : 'no address';
  throw new TalosError('ERR_RESOLVE', `the name ${name} cannot be resolved (${why})`);
}
