import { hostname } from 'node:os';
import { SECOND_MS } from '../../base/units.js';
import type { StrangerLimits } from '../../server/limits.js';
import { StrangerServer } from '../../server/stranger-server.js';
import type { TlsMaterial } from '../../server/tls-material.js';
import type { InitClient } from '../context.js';
import { maintenanceServices } from './api.js';
import { MAINTENANCE_LIMITS } from './limits.js';

export interface MaintenanceServerOptions {
  material: TlsMaterial;
  machined: () => Promise<InitClient>;
  log: (line: string) => void;
  limits?: Partial<StrangerLimits>;
}

/** Whoever has brought the config is waiting for the answer. */
const GRACE_MS = 2 * SECOND_MS;

/** What a node without a machine config serves: the few calls that bring it one. */
export class MaintenanceServer extends StrangerServer {
  constructor({ material, machined, log, limits }: MaintenanceServerOptions) {
    super({
      ...{ material, log, graceMs: GRACE_MS },
      limits: { ...MAINTENANCE_LIMITS, ...limits },
      services: maintenanceServices({ machined, hostname }, log),
    });
  }
}
