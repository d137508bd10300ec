import { isIPv6 } from 'node:net';
import { TalosError } from '../base/errors.js';

/** Port of the machine API. */
export const API_PORT = 50000;

/** Where a machine API listens. */
export interface Endpoint {
  host: string;
  port: number;
}

/**
 * Reads `host`, `host:port`, `[v6]:port`, or a bare IPv6 address.
 * @throws ERR_ENDPOINT  it is none of these
 */
export function parseEndpoint(text: string): Endpoint {
  if (isIPv6(text)) return { host: text, port: API_PORT };
  const match = /^(?:\[([^\]]+)\]|([^:/\s[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = match?.[3] === undefined ? API_PORT : Number(match[3]);
  const isHost = match?.[1] === undefined ? host !== '' : isIPv6(host);
  if (!isHost || port < 1 || port > 65535) {
    throw new TalosError('ERR_ENDPOINT', `${JSON.stringify(text)} is not an endpoint: write host or host:port`);
  }
  return { host, port };
}

/** Whether `parseEndpoint` can read it. */
export function isEndpoint(text: string): boolean {
  try {
    parseEndpoint(text);
    return true;
  } catch {
    return false;
  }
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${isIPv6(endpoint.host) ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
