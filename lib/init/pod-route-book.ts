import { isIP } from 'node:net';
import { ControlError } from '../control/errors.js';
import type { PodRoute } from '../control/protocol.js';

/** As many as PID 1 keeps. */
const MAX_ROUTES = 512;
const MAX_TEXT = 43;

/**
 * The ways to the pods of other nodes, kept for a networkd that is started again, and while machined, which knows them, does not run. Whether
 * they may be taken is networkd's to decide: it sees the network.
 */
export class PodRouteBook {
  private kept: PodRoute[] = [];

  /** @param tell  networkd, if it runs; one that does not asks when it starts */
  constructor(private readonly tell: () => void) {}

  get routes(): PodRoute[] {
    return this.kept;
  }

  /**
   * All of them.
   * @throws ControlError INVALID_ARGUMENT for what cannot be true
   */
  set(routes: PodRoute[]): void {
    if (routes.length > MAX_ROUTES || !routes.every(isPlausible)) {
      throw new ControlError('INVALID_ARGUMENT', 'routes to pods that cannot be true');
    }
    this.kept = routes;
    this.tell();
  }
}

function isPlausible({ destination, gateway }: PodRoute): boolean {
  const [network = '', length = '', ...more] = destination.split('/');
  const family = isIP(network);
  const bits = family === 6 ? 128 : 32;
  return (
    destination.length <= MAX_TEXT &&
    gateway.length <= MAX_TEXT &&
    family !== 0 &&
    isIP(gateway) === family &&
    /^\d{1,3}$/.test(length) &&
    Number(length) > 0 &&
    Number(length) <= bits &&
    more.length === 0
  );
}
