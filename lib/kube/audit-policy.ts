/** What the API server writes to its audit log. */
import type { Fields, FileToWrite, KubernetesConfig } from './input.js';
import { AUDIT_POLICY_FILE } from './paths.js';
import { yamlOf } from './yaml.js';

const NONE = { level: 'None' };

/**
 * Who did what to which object, never with contents: those of Secrets would be in them. Left out is what the parts of the cluster do all the time and what
 * nobody asks for: their leases, events, looks at health and version. The first rule that fits counts.
 */
const DEFAULT_POLICY: Fields = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { ...NONE, nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version'] },
    {
      ...NONE,
      userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'],
      verbs: ['get', 'update', 'patch'],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    {
      ...NONE,
      users: ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'],
      verbs: ['get', 'update', 'patch'],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    {
      ...NONE,
      resources: [
        { group: '', resources: ['events'] },
        { group: 'events.k8s.io', resources: ['events'] },
      ],
    },
    { level: 'Metadata' },
  ],
};

export function auditPolicyFile({ cluster }: KubernetesConfig): FileToWrite {
  const text = yamlOf(cluster.apiServer?.auditPolicy ?? DEFAULT_POLICY);
  return { path: AUDIT_POLICY_FILE, mode: 0o600, text };
}
