/** The kubelet of this node as a service of PID 1: what it is started with, and whether it may be. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.js';
import type { ControlClient } from '../../control/client.js';
import { parseKubeconfig } from '../../kube/api/index.js';
import type { Flags } from '../../kube/input.js';
import { KUBELET_FLAGS_FILE, parseKubeletFlags } from './kubelet-flags.js';

export const KUBELET_ID = 'kubelet';
/** Below the folder of Kubernetes: by whom the kubelet is known to the cluster. */
export const KUBELET_CONFIG = 'kubelet.conf';

type Init = Pick<ControlClient, 'request'>;

/**
 * Starts it, unless it runs.
 * @param folder  its own
 * @param flags  what this node wants of it now: stronger than what kubeadm has written when it became a member
 */
export async function startKubelet(init: Init, folder: string, flags: Flags): Promise<void> {
  const written = parseKubeletFlags(await readFile(join(folder, KUBELET_FLAGS_FILE), 'utf8'));
  const own = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const isOwn = (flag: string) => Object.hasOwn(flags, flag.slice(2).replace(/=.*$/s, ''));
  const list = [...written.filter((flag) => !isOwn(flag)), ...own];
  await init.request('setServiceArguments', { id: KUBELET_ID, arguments: list });
  await init.request('controlService', { id: KUBELET_ID, action: 'START' });
}

/**
 * Whether the cluster has let it in: it has a certificate of the cluster's, and that is valid still. A file that a power cut has left in parts is no certificate.
 * @param folder  of Kubernetes
 */
export async function hasKubeletCredentials(folder: string, nowMs = Date.now()): Promise<boolean> {
  try {
    const { client } = parseKubeconfig(await readFile(join(folder, KUBELET_CONFIG), 'utf8'));
    if (client.kind !== 'certificate') return false;
    const { certificate } = client;
    const pem = certificate.kind === 'text' ? certificate.text : await readFile(certificate.path, 'utf8');
    return Date.parse(new X509Certificate(pem).validTo) > nowMs;
  } catch (error) {
    const isOfSystem = error instanceof Error && 'syscall' in error;
    if (isOfSystem && errorCode(error) !== 'ENOENT') throw error;
    return false;
  }
}
