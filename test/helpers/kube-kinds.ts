/** What kinds a server of the Kubernetes API says that it has. */
import { type Behaviour, send, sendStatus } from './kube-api.js';

/** By the path of a group. */
export type KindsOfGroups = Record<string, [plural: string, kind: string, namespaced: boolean][]>;

const KINDS: KindsOfGroups = {
  '/api/v1': [
    ['namespaces', 'Namespace', false],
    ['namespaces/finalize', 'Namespace', false],
    ['configmaps', 'ConfigMap', true],
    ['serviceaccounts', 'ServiceAccount', true],
  ],
  '/apis/apps/v1': [['daemonsets', 'DaemonSet', true]],
  '/apis/rbac.authorization.k8s.io/v1': [['clusterroles', 'ClusterRole', false]],
  '/apis/apiextensions.k8s.io/v1': [['customresourcedefinitions', 'CustomResourceDefinition', false]],
  '/apis/admissionregistration.k8s.io/v1': [
    ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false],
  ],
};

/** Answers questions for the kinds of a group as a cluster does. @param more  groups besides, as they are at that moment */
export function kinds(more: () => KindsOfGroups = () => ({})): Behaviour {
  return ({ method, path }, response) => {
    if (method !== 'GET' || !/^\/(api\/v1|apis\/[^/]+\/[^/]+)$/.test(path)) return false;
    const found = KINDS[path] ?? more()[path];
    if (found === undefined) sendStatus(response, 404, 'the server could not find the requested resource');
    else {
      const resources = found.map(([name, kind, namespaced]) => ({ name, kind, namespaced, verbs: ['patch'] }));
      send(response, 200, { kind: 'APIResourceList', groupVersion: path.replace(/^\/apis?\//, ''), resources });
    }
    return true;
  };
}
