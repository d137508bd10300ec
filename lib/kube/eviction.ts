import type { EvictionApi } from './api/index.js';
import { type KubernetesRelease, minorOf } from './release.js';

/** https://kubernetes.io/docs/reference/using-api/deprecation-guide/ */
const FIRST_WITH_V1 = 22;

/** What servers of the API take that are not older than this release, as a cluster's are. */
export function evictionApi(release: Pick<KubernetesRelease, 'version'>): EvictionApi {
  return minorOf(release) >= FIRST_WITH_V1 ? 'policy/v1' : 'policy/v1beta1';
}
