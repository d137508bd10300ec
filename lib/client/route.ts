import { isIPv6 } from 'node:net';
import { TalosError } from '../base/errors.js';
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.js';

/**
 * The endpoints that a call for a node may go through. A port belongs to an endpoint: behind it is one node, and nobody else answers for
 * it. Otherwise a call for a node that does not answer, or whose port is mistyped, would reach its neighbour behind the same address,
 * which takes that address for its own. A node without a port that is no endpoint is left to the endpoints, which know whether they pass calls on.
 * @param node  as the user wrote it
 * @returns at least one if there are any
 * @throws TalosError ERR_NODE: it has the port of no endpoint, or is the address of several
 */
export function endpointsFor<Way extends Endpoint>(node: string, endpoints: readonly Way[]): readonly Way[] {
  const meant = parseEndpoint(node);
  const same = endpoints.filter(({ host, port }) => host === meant.host && port === meant.port);
  if (same.length > 0) return same;
  if (hasPort(node)) {
    throw new TalosError('ERR_NODE', `${node} is none of the endpoints: ${listOf(endpoints)}`, {
      hint: 'a node with a port is reached as an endpoint only: name one of these, or give --endpoints',
    });
  }
  const atHost = endpoints.filter(({ host }) => host === meant.host);
  if (atHost.length > 1) {
    throw new TalosError('ERR_NODE', `${node} is the address of several endpoints: ${listOf(atHost)}`, {
      hint: 'name one of these, with its port',
    });
  }
  return atHost.length > 0 ? atHost : endpoints;
}

const hasPort = (text: string): boolean => !isIPv6(text) && /:\d+$/.test(text);

const listOf = (endpoints: readonly Endpoint[]): string => endpoints.map(formatEndpoint).join(', ');
