import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { SECOND_MS } from '../base/units.js';
import { SecurityServiceDefinition } from '../gen/security/service.js';
import { StrangerServer } from '../server/stranger-server.js';
import type { TlsMaterial } from '../server/tls-material.js';
import { type CertificateContext, certificateHandler } from './certificate.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';

export interface TrustServerOptions extends CertificateContext {
  material: TlsMaterial;
  limits?: Partial<Limits>;
}

/** Requests under way when it ends have this long. */
const GRACE_MS = 5 * SECOND_MS;

/** What nodes that join the cluster ask: one call. */
export class TrustServer extends StrangerServer {
  constructor(options: TrustServerOptions) {
    const { material, log } = options;
    const implementation = { Certificate: certificateHandler(options) } as unknown as UntypedServiceImplementation;
    super({
      ...{ material, log, graceMs: GRACE_MS },
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      services: [{ definition: SecurityServiceDefinition, implementation }],
    });
  }
}
