/**
 * A lock between processes of one machine and user that nothing can leave behind: a listening socket with an abstract name
 * (unix(7)), which the kernel removes with the process that holds it. Linux only, like everything that builds.
 */
import { createHash } from 'node:crypto';
import { createConnection, createServer, type Server } from 'node:net';
import { abstractAddress } from './abstract-address.js';
import { errorCode } from './errors.js';

/**
 * Runs `work` while no other process holds the lock `name`.
 * @param onWait called once when another process holds it
 */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const address = addressOf(name);
  let server = await tryListen(address);
  if (server === undefined) onWait();
  while (server === undefined) {
    await holderGone(address);
    server = await tryListen(address);
  }
  try {
    return await work();
  } finally {
    await release(server);
  }
}

/**
 * Runs `work` where no process holds the lock `name` just now, this one included; waits for nobody.
 * @returns whether it was run
 */
export async function withFreeLock(name: string, work: () => Promise<void>): Promise<boolean> {
  const server = await tryListen(addressOf(name));
  if (server === undefined) return false;
  try {
    await work();
    return true;
  } finally {
    await release(server);
  }
}

function addressOf(name: string): string {
  const id = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return abstractAddress(`talos-lock-${process.getuid?.() ?? 0}-${id}`);
}

/** Who waits is connected, and learns from the end of the connection that the lock is free. */
const waiting = new WeakMap<Server, Set<import('node:net').Socket>>();

function tryListen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      const sockets = waiting.get(server);
      sockets?.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets?.delete(socket));
    });
    waiting.set(server, new Set());
    server.once('error', (error) => (errorCode(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}

/** Resolves when the holder lets go, or dies. */
function holderGone(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(address);
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of waiting.get(server) ?? []) socket.destroy();
  });
}
