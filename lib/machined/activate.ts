import { errorMessage } from '../base/errors.js';
import { encodeNetworkDocument } from '../config/network-document.js';
import type { ControlClient } from '../control/client.js';
import { parseCertificate } from '../pki/index.js';
import { apiServersOf } from './api-servers.js';
import type { ClockGate } from './clock-gate.js';
import type { LoadedConfig } from './load-config.js';
import type { IdentityHolder } from './node-identity.js';

export interface ActivateContext {
  init: Pick<ControlClient, 'request'>;
  identity: IdentityHolder;
  clock: Pick<ClockGate, 'expect' | 'problem'>;
  /** Tells whoever has a certificate, or the servers of the Kubernetes API, that they are outdated. */
  tell(change: 'identityChanged' | 'apiServersChanged'): void;
}

/**
 * Makes a config the node's, as far as that goes while it runs.
 * @param before  the one that was in force; undefined at the start
 * @returns what did not work, a sentence each
 */
export async function activate(
  { init, identity, clock, tell }: ActivateContext,
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
  const { time } = next.network;
  clock.expect(!time.isDisabled && time.servers.length > 0);
  const isUrgent = !time.isDisabled && clock.problem(validityOf(next)) !== undefined;
  const document = encodeNetworkDocument(next.network);
  if (before === undefined || !Buffer.from(document).equals(encodeNetworkDocument(before.network))) {
    await init
      .request('setNetwork', { document, isUrgent })
      .catch((error) => problems.push(`the network was not changed: ${errorMessage(error)}`));
  }
  const servers = { timeServers: time.servers, nameServers: next.network.nameservers };
  await init
    .request('reportConfig', { outcome: 'ACCEPTED', problem: '', ...servers })
    .catch((error) => problems.push(`the time and name servers were not taken: ${errorMessage(error)}`));
  identity.set(next.identity);
  const isNewIdentity = JSON.stringify(next.identity) !== JSON.stringify(before?.identity);
  if (before !== undefined && (isNewName || isNewIdentity)) tell('identityChanged');
  // Their names are asked of the name servers.
  const asked = ({ config }: LoadedConfig) =>
    JSON.stringify([apiServersOf(config), config.machine.network?.nameservers]);
  if (before !== undefined && asked(before) !== asked(next)) tell('apiServersChanged');
  return problems;
}

/** When the CA of the machine API begins and ends, milliseconds since 1970. */
export function validityOf({ identity }: LoadedConfig): { begins: number; ends: number } {
  const { notBefore, notAfter } = parseCertificate(identity.ca.crt);
  return { begins: notBefore.getTime(), ends: notAfter.getTime() };
}
