import { admissionFile } from './admission.js';
import { auditPolicyFile } from './audit-policy.js';
import { encryptionFile } from './encryption-config.js';
import type { FileToWrite, KubeadmInput } from './input.js';
import { pkiFiles } from './pki-files.js';

/**
 * All files that have to be there before kubeadm runs: the authorities, and what the API server reads. A worker has one, the certificate of the cluster's CA.
 * @throws TalosError ERR_KUBERNETES  the config lacks an authority (checks.ts says so before)
 */
export function controlPlaneFiles({ config, release }: Pick<KubeadmInput, 'config' | 'release'>): FileToWrite[] {
  if (config.machine.type === 'worker') return pkiFiles(config);
  const optional = [encryptionFile(config), admissionFile(config, release)];
  return [...pkiFiles(config), auditPolicyFile(config), ...optional.filter((file) => file !== undefined)];
}
