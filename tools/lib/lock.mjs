// Keeps two builds from writing out/ at the same time: a listening socket with an abstract name (unix(7)), which the kernel takes away
// with the process that holds it, so that nothing of one that was killed stays behind. lib/base/process-lock.ts does the same for what is
// compiled; this is needed to compile it.
import { createHash } from 'node:crypto';
import { createConnection, createServer } from 'node:net';
import { out } from './paths.mjs';

/** What sun_path holds; a shorter name would be another one to some versions of Node (lib/base/abstract-address.ts). */
const addressBytes = 108;

/** @param {string} folder */
function addressOf(folder) {
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  return `\0talos-build-${id}`.padEnd(addressBytes, '-');
}

/**
 * Takes the lock. Who waits is connected meanwhile, is told who holds it, and learns from the end of the connection that it is free.
 * @param {string} address
 * @returns {Promise<(() => void) | undefined>} gives it back; nothing when another process has it
 */
function take(address) {
  return new Promise((resolve, reject) => {
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => waiting.delete(socket));
      socket.write(String(process.pid));
    });
    server.once('error', (error) =>
      /** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => {
      resolve(() => {
        server.close();
        for (const socket of waiting) socket.destroy();
      });
    });
  });
}

/**
 * Resolves when the holder lets go, or ends.
 * @param {string} address
 * @param {(pid: number) => void} onHolder
 */
function gone(address, onHolder) {
  return new Promise((resolve) => {
    const socket = createConnection(address);
    socket.once('data', (pid) => onHolder(Number(pid)));
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
}

/**
 * Does the work while no other build runs in this checkout.
 * @template T
 * @param {(pid: number) => void} onWait told once when another build has to end first
 * @param {() => Promise<T>} work
 * @param {string} [folder] what is written to
 * @returns {Promise<T>}
 */
export async function withBuildLock(onWait, work, folder = out) {
  const address = addressOf(folder);
  let hasTold = false;
  const tell = (pid) => {
    if (!hasTold) onWait(pid);
    hasTold = true;
  };
  let release = await take(address);
  while (release === undefined) {
    await gone(address, tell);
    release = await take(address);
  }
  try {
    return await work();
  } finally {
    release();
  }
}
