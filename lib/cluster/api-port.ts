import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { abstractAddress } from '../base/abstract-address.js';
import { TalosError } from '../base/errors.js';
import { NODE_API_PORT } from './qemu-arguments.js';

const PORTS_TRIED = 200;

/** TCP_LISTEN of the kernel, as /proc/net/tcp writes it. */
const LISTEN = '0A';

/** Ports on which somebody listens on an IPv4 address (proc_net_tcp.rst of the kernel). */
async function listeningPorts(): Promise<Set<number>> {
  const [, ...lines] = (await readFile('/proc/net/tcp', 'utf8')).trimEnd().split('\n');
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  return new Set(
    sockets.flatMap(([, local = '', , state]) =>
      state === LISTEN ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [],
    ),
  );
}

/** Whether this port of the loopback address can be listened on, which is tried. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that belongs to this process among those that make clusters. */
export interface PortReservation {
  end(): void;
}

/**
 * Reserves a port among the processes that make clusters: between the choice of a port and the moment when QEMU listens on it lies
 * a second in which another one would choose the same, and so does the time in which a machine is off. The reservation is an
 * abstract socket (unix(7)), so it ends with this process at the latest, by when QEMU has the port. It keeps no process alive.
 * @returns undefined when another one has it, or this process already
 */
export function reservePort(port: number): Promise<PortReservation | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(abstractAddress(`talos-api-port-${port}`), () => {
      server.unref();
      resolve({ end: () => server.close() });
    });
  });
}

/**
 * The first free port for a node's API, counted from the API's own port upward. A port that this function has returned is not
 * returned again, to whatever process, while this process lives. A program of another kind may still take it before QEMU does;
 * QEMU then ends and says so.
 *
 * A port that another process has reserved is not even tried: to try is to listen on it for a moment, in which its owner's QEMU would fail.
 * @throws TalosError ERR_NO_PORT
 */
export async function findApiPort(first: number = NODE_API_PORT): Promise<number> {
  const taken = await listeningPorts();
  for (let port = first; port < first + PORTS_TRIED; port++) {
    const reservation = taken.has(port) ? undefined : await reservePort(port);
    if (!reservation) continue;
    if (await isFree(port)) return port;
    reservation.end();
  }
  throw new TalosError('ERR_NO_PORT', `no free port on 127.0.0.1 between ${first} and ${first + PORTS_TRIED - 1}`);
}
