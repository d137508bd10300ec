/** The client config of Kubernetes tools: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
import { stringify } from 'yaml';
import type { PemPair } from '../base/secrets-bundle.js';

export interface KubeconfigOptions {
  clusterName: string;
  /** URL of the API server. */
  server: string;
  /** PEM. */
  ca: string;
  user: string;
  /** Under which the user is in the file; `<user>@<cluster>` unless it is given. */
  entry?: string;
  client: PemPair;
}

/** Who the administrator is for Kubernetes: the names that kubeadm and Talos give. */
export const ADMINISTRATOR = {
  commonName: 'admin',
  /** Groups, as the organizations of the certificate's subject. */
  roles: ['system:masters'],
  /** Of the key: not every version of Kubernetes, nor of its tools, takes Ed25519. */
  kind: 'ecdsa-p256',
} as const;

/** A kubeconfig with one context, `<user>@<cluster>`. Pure. */
export function kubeconfigOf({ clusterName, server, ca, user, entry, client }: KubeconfigOptions): string {
  const name = `${user}@${clusterName}`;
  const userEntry = entry ?? name;
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: clusterName, cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name: userEntry,
          user: { 'client-certificate-data': base64(client.crt), 'client-key-data': base64(client.key) },
        },
      ],
      contexts: [{ name, context: { cluster: clusterName, namespace: 'default', user: userEntry } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}
