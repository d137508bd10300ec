/** Out of the cluster, as far as a control plane can take itself: etcd does not count on it any more. */
import { join } from 'node:path';
import { TalosError } from '../../base/errors.js';
import { FOLDERS } from './folders.js';
import { type KubeadmOptions, runKubeadm } from './kubeadm.js';

/** kubeadm ends well all the same, and leaves the rest to whoever reads this. */
const NOT_REMOVED = /failed to remove etcd member: (.*?)(, please manually remove.*)?$/;

/**
 * Takes this node's etcd out of its cluster; the last one stays, with which the cluster ends.
 * @throws TalosError ERR_KUBEADM  it is in there still
 */
export async function removeEtcdMember(signal: AbortSignal, options: KubeadmOptions): Promise<void> {
  let why: string | undefined;
  const log = (text: string) => {
    why ??= NOT_REMOVED.exec(text)?.[1];
    options.log(text);
  };
  const argv = ['reset', 'phase', 'remove-etcd-member', `--kubeconfig=${join(FOLDERS.kubernetes, 'admin.conf')}`];
  await runKubeadm(argv, { signal, onStartKubelet: async () => {} }, { ...options, log });
  if (why !== undefined) throw new TalosError('ERR_KUBEADM', `its etcd was not removed from the cluster: ${why}`);
}
