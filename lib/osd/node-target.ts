import { readFileSync } from 'node:fs';
import { type Metadata, status } from '@grpc/grpc-js';
import { SECOND_MS } from '../base/units.js';
import { parseLocalIpv4, parseLocalIpv6 } from '../os/proc/local-addresses.js';
import { API_PORT } from './api-port.js';
import { RpcError } from './status.js';

/** What tells whether a call is meant for this node. */
export interface NodeNames {
  hostname: string;
  addresses: readonly string[];
}

/** The table of routes is read for them, and that may be long: not for every call. */
const ADDRESSES_KEPT_MS = SECOND_MS;
let known: { addresses: readonly string[]; readAtMs: number } | undefined;

/** The node's addresses, without zone, at most a second old. From /proc, because a netlink socket is more than this process may open. */
export function localAddresses(now = performance.now()): readonly string[] {
  if (known && now - known.readAtMs < ADDRESSES_KEPT_MS) return known.addresses;
  const addresses = [...parseLocalIpv4(read('/proc/net/fib_trie')), ...parseLocalIpv6(read('/proc/net/if_inet6'))];
  known = { addresses, readAtMs: now };
  return addresses;
}

/** A kernel without that protocol has no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Checks the metadata `node` (one node) and `nodes` (a list). This node answers for itself only.
 * @param authority  what the client dialled, with or without a port: behind a forwarded port it is no address of ours, yet means us
 * @throws RpcError  UNAVAILABLE another node is meant · INVALID_ARGUMENT several are
 */
export function checkTarget(metadata: Metadata, authority: string, names: () => NodeNames): void {
  const wanted = [...metadata.get('node'), ...metadata.get('nodes')]
    .flatMap((value) => String(value).split(','))
    .map(trim);
  const distinct = [...new Set(wanted.filter((name) => name !== ''))];
  const [first] = distinct;
  if (first === undefined) return;
  if (distinct.length > 1) {
    throw new RpcError(
      status.INVALID_ARGUMENT,
      'one call is for one node: several nodes are several calls of the client',
    );
  }
  const meant = splitPort(first);
  const dialled = splitPort(authority);
  if (meant.host === dialled.host && (meant.port === undefined || meant.port === (dialled.port ?? API_PORT))) return;
  const { hostname, addresses } = names();
  // Behind another port of an address that is ours, too, is another node: every node is 127.0.0.1.
  if ((meant.port ?? API_PORT) === API_PORT && [hostname, ...addresses].includes(meant.host)) return;
  throw new RpcError(
    status.UNAVAILABLE,
    `this is node ${hostname} (${addresses.join(', ')}), not ${JSON.stringify(first)}, and it does not forward calls`,
  );
}

function trim(text: string): string {
  return text.trim();
}

/** 'host:port' and '[::1]:port' in two; a bare IPv6 address has no port. */
function splitPort(text: string): { host: string; port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}
