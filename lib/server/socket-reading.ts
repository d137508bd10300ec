import type { Socket } from 'node:net';

/**
 * libuv's reading of a connection. Its socket belongs to HTTP/2, whose bytes do not pass through it: its own pause() stops nothing then.
 * Undefined once the socket is closed.
 */
export function reading(socket: Socket): { readStop(): number; readStart(): number } | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (handle === null || handle === undefined) return undefined;
  if (typeof Reflect.get(handle, 'readStop') !== 'function') throw new Error('this Node reads sockets in another way');
  return handle as { readStop(): number; readStart(): number };
}
