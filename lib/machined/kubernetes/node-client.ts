import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeClient, parseKubeconfig } from '../../kube/api/index.js';
import { FOLDERS } from './folders.js';
import { KUBELET_CONFIG } from './kubelet.js';

/** Where proxyd serves the Kubernetes API. */
const PROXY = { host: '127.0.0.1', port: 7445 };

export interface NodeClientPlace {
  /** Of the kubelet's credentials. */
  folder?: string;
  server?: { host: string; port: number };
}

/**
 * The Kubernetes API as this node may ask it: with the kubelet's credentials, which the cluster lets change this node and the pods on it, and nothing of others.
 * @param place  the node's unless a test says otherwise
 * @throws the error of the system call: there are none · KubeError · what the work throws
 */
export async function withNodeClient<T>(
  work: (client: KubeClient) => Promise<T>,
  { folder = FOLDERS.kubernetes, server = PROXY }: NodeClientPlace = {},
): Promise<T> {
  const access = parseKubeconfig(await readFile(join(folder, KUBELET_CONFIG), 'utf8'));
  const client = new KubeClient({ access, connectTo: server });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
