/** How Secrets are encrypted in etcd: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ */
import type { FileToWrite, KubernetesConfig } from './input.js';
import { ENCRYPTION_FILE } from './paths.js';
import { yamlOf } from './yaml.js';

/** Kept with every Secret in etcd, so that it is found again: never to be changed. Talos' name. */
const KEY_NAME = 'key1';

/** Absent where the config has no key. The first provider writes; all of them read, `identity` what was never encrypted. */
export function encryptionFile({ cluster }: KubernetesConfig): FileToWrite | undefined {
  const { secretboxEncryptionSecret: secretbox, aescbcEncryptionSecret: aescbc } = cluster;
  const keyed = Object.entries({ secretbox, aescbc }).flatMap(([provider, secret]) =>
    secret === undefined ? [] : [{ [provider]: { keys: [{ name: KEY_NAME, secret: secret.replace(/\s/g, '') }] } }],
  );
  if (keyed.length === 0) return undefined;
  const text = yamlOf({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [...keyed, { identity: {} }] }],
  });
  return { path: ENCRYPTION_FILE, mode: 0o600, text };
}
