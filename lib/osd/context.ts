import type { ControlClient } from '../control/client.js';
import type { KmsgModule, RingModule } from '../native/contract.js';
import type { PeerIdentity } from './peer-identity.js';
import type { SlabPool } from './slab-pool.js';
import type { StreamSlots } from './stream-slots.js';

/** Part of a control connection that handlers use. */
export type InitClient = Pick<ControlClient, 'request'>;

/** What the handlers work with. */
export interface OsdContext {
  init: InitClient;
  /** The connection to machined, made anew when it has gone with an earlier machined. */
  machined: () => Promise<InitClient>;
  ring: RingModule;
  kmsg: KmsgModule;
  /** Now, since it may change. */
  hostname: () => string;
  slabs: SlabPool;
  streams: StreamSlots;
  log: (line: string) => void;
  /** Aborted when the node or this process goes down: streams end with UNAVAILABLE. */
  shutdown: AbortSignal;
}

/** Who calls, for handlers that care. */
export interface Caller {
  identity: PeerIdentity;
  peer: string;
}
