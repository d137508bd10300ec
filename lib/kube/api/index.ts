/** A client of the Kubernetes API. */
export { describeServer, type KubeAccess, parseKubeconfig } from './access.js';
export { applyObjects, type ObjectToApply, type Unapplied } from './apply-objects.js';
export { KubeClient, type KubeClientOptions, type ListOptions, type Resource } from './client.js';
export { API_SERVERS, type ApiMember, apiMembersOf } from './endpoints.js';
export { certificateProblem, KubeError, type KubeErrorCode } from './errors.js';
export { isJsonObject, isTrueAt, type JsonObject, listAt, numberAt, objectAt, textAt } from './json.js';
export { applyNodeAccess } from './node-access.js';
export { type ClusterNode, clusterNodeOf, firstControlPlane, NODES, ownPodCidrs } from './nodes.js';
export { type EvictionApi, evictPod, type NodePod, nodePodOf, podsOfNode } from './pods.js';
export { type WatchListOptions, watchList } from './watch-list.js';
