import type { ControlClient } from '../control/client.js';
import type { KmsgModule, RingModule } from '../native/contract.js';
import type { EventMirror } from './event-mirror.js';
import type { LoopTurns } from './loop-turns.js';
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
  /** For the pieces of whatever may be long and many: logs of a hundred services at once. */
  turns: LoopTurns;
  log: (line: string) => void;
  events: EventMirror;
  /** Aborted when the node or this process goes down: streams end with UNAVAILABLE, but for those that are about just that. */
  shutdown: AbortSignal;
  /** Aborted when this process ends now: those end, too. Never before `shutdown`. */
  ending: AbortSignal;
}

/** Who calls, for handlers that care. */
export interface Caller {
  identity: PeerIdentity;
  peer: string;
}
