/**
 * The servers of the Kubernetes API, as they register themselves: the endpoints of the service `kubernetes` in `default`. Endpoints, and not
 * EndpointSlices: the latter are `v1` only since Kubernetes 1.21, and every API server still keeps both.
 */
import type { Resource } from './client.js';
import { type JsonObject, listAt, numberAt, textAt } from './json.js';

/** Of at most one object. */
export const API_SERVERS: Resource = {
  path: '/api/v1/namespaces/default/endpoints',
  fieldSelector: 'metadata.name=kubernetes',
};

/** Not checked: texts of others. */
export interface ApiMember {
  host: string;
  port: number;
}

const MAX_MEMBERS = 64;

/** Those of its port called `https`, or of its only one. */
export function apiMembersOf(endpoints: JsonObject): ApiMember[] {
  const members = listAt(endpoints, 'subsets').flatMap((subset) => {
    const ports = listAt(subset, 'ports');
    const named = ports.find((port) => textAt(port, 'name') === 'https') ?? (ports.length === 1 ? ports[0] : undefined);
    const port = numberAt(named, 'port') ?? 0;
    return listAt(subset, 'addresses').map((address) => ({ host: textAt(address, 'ip') ?? '', port }));
  });
  return members.slice(0, MAX_MEMBERS);
}
