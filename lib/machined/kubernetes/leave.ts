/**
 * Out of the cluster, as far as a control plane can take itself: etcd does not count on it any more.
 *
 * etcd is told so itself, and not by `kubeadm reset phase remove-etcd-member`: that one ends well whether the member was removed or not, asks nobody where it
 * cannot read its configuration in the cluster, and in newer versions empties the folder of etcd all the same.
 */
import { TalosError } from '../../base/errors.js';
import { isPlainAddress } from '../../base/ip-address.js';
import type { MachineConfig } from '../../config/schema.js';
import type { EtcdClient, EtcdMember } from '../../etcd/index.js';
import { askEtcd, type EtcdPlace } from './ask-etcd.js';

export interface LeaveOptions {
  config: MachineConfig;
  /** What kubeadm has called the member. */
  nodeName: string;
  /** The node's own, by which a member is known that has never run. */
  addresses: readonly string[];
  /** Members that are asked one after the other until one answers: the node's own, then others of the cluster. */
  places: readonly EtcdPlace[];
}

/**
 * Takes this node's etcd out of its cluster; the last one stays, with which the cluster ends. Nothing is changed when it fails.
 * @throws ControlError  why the first one that was asked has not done it · the reason of the signal
 */
export async function removeEtcdMember(options: LeaveOptions, signal: AbortSignal): Promise<void> {
  let failure: unknown = new TalosError('ERR_ETCD', 'no member of etcd is known that could be asked');
  for (const [index, place] of options.places.entries()) {
    try {
      return await askEtcd(options.config, (etcd) => remove(etcd, options, signal), place);
    } catch (error) {
      signal.throwIfAborted();
      // That of the node itself says most.
      if (index === 0) failure = error;
    }
  }
  throw failure;
}

async function remove(etcd: EtcdClient, options: LeaveOptions, signal: AbortSignal): Promise<void> {
  const members = await etcd.members({ isAgreed: true }, signal);
  const own = members.find((member) => isOwn(member, options));
  if (own === undefined || members.length === 1) return;
  await etcd.removeMember(own.id, signal);
}

/** One that has been let in and was never started has no name yet. */
function isOwn({ name, peerUrls }: EtcdMember, { nodeName, addresses }: LeaveOptions): boolean {
  if (name !== '') return name === nodeName;
  return peerUrls.some((url) => addresses.includes(hostOf(url)));
}

function hostOf(url: string): string {
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
  return isPlainAddress(host) ? host : '';
}
