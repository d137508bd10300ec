/** Flags of the control plane's components, beside those that kubeadm gives them: the CIS benchmark's, and those of our files. */

import { admissionFile } from './admission.js';
import { encryptionFile } from './encryption-config.js';
import type { Flags, KubeadmInput, KubernetesConfig } from './input.js';
import {
  ADMISSION_FILE,
  AUDIT_LOG_DIR,
  AUDIT_POLICY_FILE,
  CONTROLLER_MANAGER_DIR,
  ENCRYPTION_FILE,
  SCHEDULER_DIR,
  SERVING,
  VOLUME_PLUGINS_DIR,
} from './paths.js';
import { minorOf } from './release.js';
import { TLS_CIPHER_SUITES, TLS_MIN_VERSION } from './tls.js';

const PLUGINS = 'enable-admission-plugins';
const LOCALHOST = '127.0.0.1';

/** Of everything that serves HTTPS. */
const HTTPS: Flags = {
  profiling: 'false',
  'tls-cipher-suites': TLS_CIPHER_SUITES.join(),
  'tls-min-version': TLS_MIN_VERSION,
};

/** The first release whose kubeadm leaves the controller manager without volume plugins as they were before CSI. */
const WITHOUT_FLEX_VOLUMES = 36;

/** A node may change what is about itself only: never left out, whatever plugins the config asks for. */
const NODE_RESTRICTION = 'NodeRestriction';

export function apiServerFlags({ config, release }: Pick<KubeadmInput, 'config' | 'release'>): Flags {
  const { [PLUGINS]: plugins = '', ...asked } = config.cluster.apiServer?.extraArgs ?? {};
  const all = new Set([NODE_RESTRICTION, ...plugins.split(',').filter((name) => name !== '')]);
  return {
    ...HTTPS,
    // Who joins asks for the cluster's name and CA before it is anybody; RBAC gives the anonymous that, and health, and nothing else.
    'anonymous-auth': 'true',
    'audit-log-maxage': '30',
    'audit-log-maxbackup': '10',
    'audit-log-maxsize': '100',
    'audit-log-path': `${AUDIT_LOG_DIR}/kube-apiserver.log`,
    'audit-policy-file': AUDIT_POLICY_FILE,
    ...(encryptionFile(config) && { 'encryption-provider-config': ENCRYPTION_FILE }),
    ...(admissionFile(config, release) && { 'admission-control-config-file': ADMISSION_FILE }),
    ...asked,
    [PLUGINS]: [...all].join(),
  };
}

export function controllerManagerFlags({ config, release }: Pick<KubeadmInput, 'config' | 'release'>): Flags {
  return {
    ...HTTPS,
    ...servedBy(CONTROLLER_MANAGER_DIR),
    'bind-address': LOCALHOST,
    // Until then kubeadm mounts a folder for it, below /usr unless this names another.
    ...(minorOf(release) < WITHOUT_FLEX_VOLUMES && { 'flex-volume-plugin-dir': VOLUME_PLUGINS_DIR }),
    'terminated-pod-gc-threshold': '1000',
    ...config.cluster.controllerManager?.extraArgs,
  };
}

export function schedulerFlags({ cluster }: KubernetesConfig): Flags {
  return { ...HTTPS, ...servedBy(SCHEDULER_DIR), 'bind-address': LOCALHOST, ...cluster.scheduler?.extraArgs };
}

/** A certificate of the cluster's CA. Without one a component makes itself one that nobody can check, at each start, with two keys of RSA. */
function servedBy(folder: string): Flags {
  return {
    'tls-cert-file': `${folder}/${SERVING.certificate}`,
    'tls-private-key-file': `${folder}/${SERVING.key}`,
  };
}

export function etcdFlags({ cluster }: KubernetesConfig): Flags {
  return { 'cipher-suites': TLS_CIPHER_SUITES.join(), ...cluster.etcd?.extraArgs };
}
