/** Where Kubernetes has its files on a node: what lasts is on EPHEMERAL, and shows where kubeadm and the kubelet look for it. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileDescriptor, MountAttribute, MountModule } from '../../native/contract.js';
import { KUBERNETES_FOLDER, KUBERNETES_RUN_FOLDER, KUBERNETES_STATE } from '../folders.js';

export interface KubernetesFolders {
  /** Everything of kubeadm's, and the journal; mounted on `kubernetes`. */
  state: string;
  /** A folder of the read-only root image. */
  kubernetes: string;
  kubelet: string;
  etcd: string;
  /** Audit log of the API server. */
  audit: string;
  /** In memory: kubeadm's configuration. */
  run: string;
  /** In memory: what network plugins are configured by. */
  cni: string;
  /** The mount that it is in. */
  cniMount: string;
  /** Where containerd looks for network plugins: a folder of the read-only root image. */
  plugins: string;
  /** Those of the root image. */
  ownPlugins: string;
  /** Those that a cluster brings. */
  pluginState: string;
}

export const FOLDERS: KubernetesFolders = {
  state: KUBERNETES_STATE,
  kubernetes: KUBERNETES_FOLDER,
  kubelet: '/var/lib/kubelet',
  etcd: '/var/lib/etcd',
  audit: '/var/log/audit/kube',
  run: KUBERNETES_RUN_FOLDER,
  cni: '/etc/cni/net.d',
  cniMount: '/etc/cni',
  plugins: '/opt/cni/bin',
  ownPlugins: '/usr/lib/cni',
  pluginState: '/var/lib/cni-plugins',
};

/** Of pods that a kubelet runs by itself: a folder in `state`. */
const MANIFESTS = 'manifests';

/** Nothing there is a program or a device. */
const STATE_ATTRIBUTES: MountAttribute[] = ['nosuid', 'nodev', 'noexec'];

/** Programs, and nothing that makes more of whoever runs them. */
const PLUGIN_ATTRIBUTES: MountAttribute[] = ['nosuid', 'nodev'];

type Mounts = Pick<MountModule, 'mountInfo' | 'openTree' | 'createMount' | 'setAttributes' | 'moveMount'>;

/**
 * Makes the folders, for root only, and mounts. May be repeated: what is there stays.
 *
 * The kubelet's folder is a mount of its own that is shared: what pods of storage drivers mount below it is seen by the kubelet and by other pods, which
 * is refused elsewhere.
 * @param bringsOwnNetwork  pods of the cluster put network plugins and their configuration on the node: both folders can be written to then, and neither otherwise
 */
export async function prepareFolders(
  mount: Mounts,
  bringsOwnNetwork: boolean,
  folders: KubernetesFolders = FOLDERS,
): Promise<void> {
  const { state, kubernetes, kubelet, etcd, audit, run, cni, cniMount, plugins, ownPlugins } = folders;
  // A kubelet that starts without a folder for manifests looks for it once a second, and complains each time.
  for (const folder of [state, join(state, MANIFESTS), kubelet, etcd, audit, run]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // One that was there may have been made by others.
    await chmod(folder, 0o700);
  }
  await mkdir(cni, { recursive: true, mode: 0o755 });
  const isMounted = (path: string) => mount.mountInfo().some(({ mountPoint }) => mountPoint === path);
  if (!isMounted(kubernetes))
    await bind(mount, state, kubernetes, (tree) => mount.setAttributes(tree, { set: STATE_ATTRIBUTES }));
  if (!isMounted(kubelet))
    await bind(mount, kubelet, kubelet, (tree) => mount.setAttributes(tree, { propagation: 'shared' }));
  if (!isMounted(plugins)) {
    if (bringsOwnNetwork) await overlayPlugins(mount, folders);
    else
      await bind(mount, ownPlugins, plugins, (tree) =>
        mount.setAttributes(tree, { set: ['ro', ...PLUGIN_ATTRIBUTES] }),
      );
  }
  if (!bringsOwnNetwork && isMounted(cniMount)) await seal(mount, cniMount);
}

/** Plugins of the root image, with what pods put there over them: that is on EPHEMERAL, and what is below stays as it is, checked by dm-verity. */
async function overlayPlugins(mount: Mounts, { plugins, ownPlugins, pluginState }: KubernetesFolders): Promise<void> {
  const [upper, work] = [`${pluginState}/programs`, `${pluginState}/work`];
  for (const folder of [upper, work]) await mkdir(folder, { recursive: true, mode: 0o755 });
  const tree = await mount.createMount({
    fstype: 'overlay',
    source: 'network-plugins',
    parameters: { lowerdir: ownPlugins, upperdir: upper, workdir: work },
    attributes: PLUGIN_ATTRIBUTES,
  });
  try {
    await mount.moveMount(tree, plugins);
  } finally {
    tree.close();
  }
}

/** What is seen of it is read-only from now on; {@link openSealed} writes all the same. */
async function seal(mount: Mounts, target: string): Promise<void> {
  const tree = await mount.openTree(target);
  try {
    mount.setAttributes(tree, { set: ['ro'] });
  } finally {
    tree.close();
  }
}

/** A folder to write beneath, by a mount of its own that nobody else sees: whether what others see of it is read-only does not matter. */
export async function openSealed(
  mount: Pick<MountModule, 'openTree' | 'setAttributes'>,
  path: string,
): Promise<FileDescriptor> {
  const tree = await mount.openTree(path, { clone: true });
  try {
    mount.setAttributes(tree, { clear: ['ro'] });
    return tree;
  } catch (error) {
    tree.close();
    throw error;
  }
}

/** Set up before anybody sees it. */
async function bind(
  mount: Mounts,
  source: string,
  target: string,
  change: (tree: Awaited<ReturnType<MountModule['openTree']>>) => void,
): Promise<void> {
  const tree = await mount.openTree(source, { clone: true });
  try {
    change(tree);
    await mount.moveMount(tree, target);
  } finally {
    tree.close();
  }
}
