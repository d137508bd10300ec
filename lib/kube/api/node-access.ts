/**
 * What nodes may read for their network, besides what Kubernetes lets them: each other (from 1.32 on a node may read itself only), and where
 * the servers of the API are. Read-only, and nothing that is secret.
 */
import type { KubeClient } from './client.js';
import type { JsonObject } from './json.js';

const NAME = 'talos:node-network';
const RBAC = 'rbac.authorization.k8s.io';
const NODE_GROUP = { apiGroup: RBAC, kind: 'Group', name: 'system:nodes' };

interface Applied {
  path: string;
  object: JsonObject;
}

/** In order: a role before who has it. */
export const NODE_ACCESS: readonly Applied[] = [
  object('ClusterRole', { rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] }] }),
  object('ClusterRoleBinding', {
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: NAME },
    subjects: [NODE_GROUP],
  }),
  object('Role', {
    rules: [
      { apiGroups: [''], resources: ['endpoints'], resourceNames: ['kubernetes'], verbs: ['get', 'list', 'watch'] },
    ],
  }),
  object('RoleBinding', { roleRef: { apiGroup: RBAC, kind: 'Role', name: NAME }, subjects: [NODE_GROUP] }),
];

/**
 * Gives nodes that access; may be repeated.
 * @param client  of an administrator
 * @throws KubeError
 */
export async function applyNodeAccess(client: Pick<KubeClient, 'apply'>, signal?: AbortSignal): Promise<void> {
  for (const { path, object } of NODE_ACCESS) await client.apply(path, object, signal ? { signal } : {});
}

function object(kind: 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding', content: JsonObject): Applied {
  const isClusters = kind.startsWith('Cluster');
  const place = isClusters ? '' : '/namespaces/default';
  return {
    path: `/apis/${RBAC}/v1${place}/${kind.toLowerCase()}s/${encodeURIComponent(NAME)}`,
    object: {
      apiVersion: `${RBAC}/v1`,
      kind,
      metadata: { name: NAME, ...(!isClusters && { namespace: 'default' }) },
      ...content,
    },
  };
}
