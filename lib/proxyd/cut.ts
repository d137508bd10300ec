import type { Socket } from 'node:net';

/** Ends a connection at once, and lets the other side know. Node would wait for one that is not made yet, however long that takes. */
export function cut(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
