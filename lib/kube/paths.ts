/** Where Kubernetes has its files on a node: kubeadm's own places as far as it has any. */

export const PKI_DIR = '/etc/kubernetes/pki';
export const CA_FILE = `${PKI_DIR}/ca.crt`;
export const MANIFESTS_DIR = '/etc/kubernetes/manifests';

/** Files that the API server reads, mounted into it as a whole. */
export const API_SERVER_DIR = '/etc/kubernetes/apiserver';
export const AUDIT_POLICY_FILE = `${API_SERVER_DIR}/audit-policy.yaml`;
export const ENCRYPTION_FILE = `${API_SERVER_DIR}/encryption.yaml`;
export const ADMISSION_FILE = `${API_SERVER_DIR}/admission.yaml`;

/** With the serving certificate of one component each, mounted into it as a whole. */
export const CONTROLLER_MANAGER_DIR = '/etc/kubernetes/controller-manager';
export const SCHEDULER_DIR = '/etc/kubernetes/scheduler';
/** In such a folder. */
export const SERVING = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** The API server's audit log, mounted into it; as Talos has it. */
export const AUDIT_LOG_DIR = '/var/log/audit/kube';

/** Written by kubeadm when the kubelet is to start. */
export const KUBELET_CONFIG_FILE = '/var/lib/kubelet/config.yaml';

export const ETCD_DIR = '/var/lib/etcd';

/** Plugins for volumes as they were before CSI: kubeadm mounts the folder into the controller manager, and its usual place is read-only. */
export const VOLUME_PLUGINS_DIR = '/var/lib/kubelet/volume-plugins';

export const CRI_SOCKET = 'unix:///run/containerd/containerd.sock';

/** The cgroup of containerd. */
export const RUNTIME_CGROUP = '/podruntime/runtime';
