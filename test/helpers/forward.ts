/** A way from here to a TCP port of a booted node, beside that to its API. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { findApiPort } from '../../lib/cluster/api-port.js';
import { NODE_NETWORK } from '../../lib/cluster/qemu-arguments.js';
import type { TestNode } from './node.js';

/** Where free ports are looked for: away from those of APIs. */
const FIRST_PORT = 51_000;

/**
 * Makes a Unix socket whose connections lead to a port of the node, through QEMU's user network.
 * @param socketPath  must not be there; it goes with the result
 * @throws Error  what QEMU says
 */
export async function forwardSocket(node: TestNode, port: number, socketPath: string): Promise<AsyncDisposable> {
  const own = await findApiPort(FIRST_PORT);
  const qmp = await node.qmp();
  const rule = `tcp:127.0.0.1:${own}-${NODE_NETWORK.address}:${port}`;
  const said = await qmp
    .execute('human-monitor-command', { 'command-line': `hostfwd_add net0 ${rule}` })
    .finally(() => qmp.close());
  if (said !== '') throw new Error(`QEMU: ${said}`);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(own, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      // The end of one is the end of the other; what the failure was, the caller's client says.
      socket.on('error', () => other.destroy());
      socket.on('close', () => open.delete(socket));
      socket.pipe(other);
    }
  }).listen(socketPath);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
