/**
 * The etcd of this node, asked with the certificate that kubeadm has made for looking at it. Its key is for root only, so this is machined's to do: osd gets the
 * answer.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';
import { familyOf } from '../../base/ip-address.js';
import type { MachineConfig } from '../../config/schema.js';
import { ControlError } from '../../control/errors.js';
import type { EtcdClient } from '../../etcd/index.js';
import { nodeAddresses } from '../../kube/node-address.js';
import { FOLDERS } from './folders.js';
import { nodeFacts } from './node-facts.js';

export interface EtcdPlace {
  /** With `pki/etcd` in it. */
  folder: string;
  host: string;
  port: number;
  timeoutMs?: number;
}

const PORT = 2379;
/** The address that it listens at besides the node's own: of that one's family. */
const LOOPBACK = { inet: '127.0.0.1', inet6: '::1' } as const;
/** kubeadm makes every etcd's certificate for it. */
const SERVER_NAME = 'localhost';

const NOT_THERE =
  'etcd of this node has not been set up: the node is no member of a cluster yet (osctl service kubelet says what it waits for)';

/**
 * @param ask  what it is asked, over a connection that is there for that
 * @param place  of the node, unless a test says otherwise
 * @throws ControlError  FAILED_PRECONDITION  there is none · UNAVAILABLE  it does not answer, or cannot · the reason of the signal
 */
export async function askEtcd<T>(
  config: MachineConfig,
  ask: (client: EtcdClient) => Promise<T>,
  place: EtcdPlace = placeOf(config),
): Promise<T> {
  if (config.machine.type !== 'controlplane') {
    throw new ControlError(
      'FAILED_PRECONDITION',
      'this node is a worker, and etcd runs on control planes: ask one of those',
    );
  }
  const [ca, certificate, key] = await Promise.all([
    read(place, 'ca.crt'),
    read(place, 'healthcheck-client.crt'),
    read(place, 'healthcheck-client.key'),
  ]);
  const { EtcdClient, EtcdError } = await import('../../etcd/index.js');
  let client: EtcdClient | undefined;
  try {
    client = new EtcdClient({ ...place, serverName: SERVER_NAME, ca, certificate, key });
    return await ask(client);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const text =
      error.failure === 'unreachable'
        ? `etcd of this node does not answer: see whether it runs with \`osctl ps -k\`, and its log with \`osctl logs -k\` (${error.message})`
        : `etcd of this node cannot answer: see how its members fare with \`osctl etcd status\` (${error.message})`;
    throw new ControlError('UNAVAILABLE', text, { cause: error });
  } finally {
    client?.close();
  }
}

/** That of the node itself. */
export function placeOf(config: MachineConfig): EtcdPlace {
  const [address = LOOPBACK.inet] = nodeAddresses(config, nodeFacts());
  return { folder: FOLDERS.kubernetes, host: LOOPBACK[familyOf(address)], port: PORT };
}

async function read({ folder }: EtcdPlace, name: string): Promise<string> {
  try {
    return await readFile(join(folder, 'pki', 'etcd', name), 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new ControlError('FAILED_PRECONDITION', NOT_THERE, { cause: error });
  }
}
