/** Where machined has its files. There are keys in all of them, so the API lists them and reads nothing of them. */

/** The config disk, for as long as it is read or written. */
export const MOUNT_POINT = '/system/config-disk';
/** What survives an end of machined, not one of the node. */
export const STATE_FOLDER = '/system/machined';
/** Where Kubernetes has its certificates and keys: the folder, and where it is seen by kubeadm and the kubelet. */
export const KUBERNETES_STATE = '/var/lib/kubernetes';
export const KUBERNETES_FOLDER = '/etc/kubernetes';
/** What kubeadm is told, with the cluster's token; in memory. */
export const KUBERNETES_RUN_FOLDER = '/system/kubernetes';
/** Where STATE is mounted. */
export const STATE_MOUNT_POINT = '/system/state';
