import { createServer } from 'node:net';
import { abstractAddress } from '../base/abstract-address.js';
import { TalosError } from '../base/errors.js';
import { NODE_API_PORT } from './qemu-arguments.js';

const PORTS_TRIED = 200;

/** Whether nobody listens on this port of the loopback address at this moment. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Reserves a port among the processes that make clusters: between the choice of a port and the moment when QEMU listens on it lies
 * a second in which another one would choose the same. The reservation is an abstract socket (unix(7)), so it ends with this
 * process at the latest, by when QEMU has the port.
 */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(abstractAddress(`talos-api-port-${port}`), () => {
      server.unref();
      resolve(true);
    });
  });
}

/**
 * The first free port for a node's API, counted from the API's own port upward. A port that this function has returned is not
 * returned again, to whatever process, while this process lives. A program of another kind may still take it before QEMU does;
 * QEMU then ends and says so.
 * @throws TalosError ERR_NO_PORT
 */
export async function findApiPort(first: number = NODE_API_PORT): Promise<number> {
  for (let port = first; port < first + PORTS_TRIED; port++) {
    if ((await isFree(port)) && (await reserve(port))) return port;
  }
  throw new TalosError('ERR_NO_PORT', `no free port on 127.0.0.1 between ${first} and ${first + PORTS_TRIED - 1}`);
}
