/** The authorities of a cluster as files where kubeadm looks for them: it issues everything else from them, and makes none of its own. */
import { createPublicKey } from 'node:crypto';
import { TalosError } from '../base/errors.js';
import type { PemPair } from '../base/secrets-bundle.js';
import type { FileToWrite, KubernetesConfig } from './input.js';
import { CA_FILE, PKI_DIR } from './paths.js';

const PRIVATE = 0o600;
const PUBLIC = 0o644;

/**
 * Certificates and keys of all authorities for a control plane; a worker gets the certificate of the cluster's CA, and no key.
 * @throws TalosError ERR_KUBERNETES  one of them is not in the config (checks.ts says so before)
 */
export function pkiFiles(config: KubernetesConfig): FileToWrite[] {
  const { machine, cluster } = config;
  const ca = { path: CA_FILE, mode: PUBLIC, text: need('cluster.ca.crt', cluster.ca?.crt) };
  if (machine.type === 'worker') return [ca];
  const key = need('cluster.serviceAccount.key', cluster.serviceAccount?.key);
  return [
    ...pairFiles('ca', 'cluster.ca', cluster.ca),
    ...pairFiles('front-proxy-ca', 'cluster.aggregatorCA', cluster.aggregatorCA),
    ...pairFiles('etcd/ca', 'cluster.etcd.ca', cluster.etcd?.ca),
    { path: `${PKI_DIR}/sa.key`, mode: PRIVATE, text: key },
    // kubeadm takes a key that is there for a pair.
    { path: `${PKI_DIR}/sa.pub`, mode: PUBLIC, text: publicKeyOf(key) },
  ];
}

function pairFiles(name: string, field: string, pair: PemPair | undefined): FileToWrite[] {
  return [
    { path: `${PKI_DIR}/${name}.crt`, mode: PUBLIC, text: need(`${field}.crt`, pair?.crt) },
    { path: `${PKI_DIR}/${name}.key`, mode: PRIVATE, text: need(`${field}.key`, pair?.key) },
  ];
}

function publicKeyOf(privateKey: string): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string;
}

function need(field: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new TalosError('ERR_KUBERNETES', `${field} is missing in the machine config`);
}
