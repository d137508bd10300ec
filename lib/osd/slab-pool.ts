import { Slab } from './data-message.js';

/** Slabs kept for the next stream; more are left to the collector. */
const MAX_IDLE = 16;

/** Slabs of this node's hostname, used again and again. How many are out is bounded by how many streams there may be. */
export class SlabPool {
  private idle: Slab[] = [];

  constructor(private metadata: Uint8Array) {}

  /** Slabs from now on carry this metadata (the hostname has changed). */
  setMetadata(metadata: Uint8Array): void {
    if (Buffer.compare(metadata, this.metadata) === 0) return;
    this.metadata = metadata;
    this.idle = [];
  }

  take(): Slab {
    return this.idle.pop() ?? new Slab(this.metadata);
  }

  give(slab: Slab): void {
    if (this.idle.length < MAX_IDLE && slab.carries(this.metadata)) this.idle.push(slab);
  }
}
