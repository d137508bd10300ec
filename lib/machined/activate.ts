import { errorMessage } from '../base/errors.js';
import type { ControlClient } from '../control/client.js';
import type { LoadedConfig } from './load-config.js';
import type { IdentityHolder } from './node-identity.js';

export interface ActivateContext {
  init: Pick<ControlClient, 'request'>;
  identity: IdentityHolder;
  /** Tells whoever has a certificate that it is outdated. */
  tellIdentityChanged(): void;
}

/**
 * Makes a config the node's, as far as that goes while it runs.
 * @param before  the one that was in force; undefined at the start
 * @returns what did not work, a sentence each
 */
export async function activate(
  { init, identity, tellIdentityChanged }: ActivateContext,
  next: LoadedConfig,
  before: LoadedConfig | undefined,
): Promise<string[]> {
  const problems: string[] = [];
  const isNewName = next.hostname !== before?.hostname;
  if (isNewName) {
    await init
      .request('setHostname', { hostname: next.hostname ?? '' })
      .catch((error) => problems.push(`the host name was not set: ${errorMessage(error)}`));
  }
  if (next.dhcpLink !== undefined && next.dhcpLink !== before?.dhcpLink) {
    await init
      .request('startDhcp', { link: next.dhcpLink })
      .catch((error) => problems.push(`DHCP on ${next.dhcpLink} was not started: ${errorMessage(error)}`));
  }
  const { time, network } = next.config.machine;
  const servers = { timeServers: time?.servers ?? [], nameServers: network?.nameservers ?? [] };
  await init
    .request('reportConfig', { outcome: 'ACCEPTED', problem: '', ...servers })
    .catch((error) => problems.push(`the time and name servers were not taken: ${errorMessage(error)}`));
  identity.set(next.identity);
  const isNewIdentity = JSON.stringify(next.identity) !== JSON.stringify(before?.identity);
  if (before !== undefined && (isNewName || isNewIdentity)) tellIdentityChanged();
  return problems;
}
