import { status } from '@grpc/grpc-js';
import { RpcError } from './status.js';

/** Bounds how many streams, or calls, there are at once, of all clients and of one: each may hold memory for as long as its client is slow. */
export class StreamSlots {
  private readonly byClient = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly max: number,
    private readonly maxPerClient: number,
    private readonly what = 'streams open',
  ) {}

  get used(): number {
    return this.total;
  }

  /**
   * @param client  fingerprint of the client's certificate
   * @returns gives the slot back; idempotent
   * @throws RpcError RESOURCE_EXHAUSTED
   */
  take(client: string): () => void {
    const mine = this.byClient.get(client) ?? 0;
    if (mine >= this.maxPerClient) {
      throw new RpcError(status.RESOURCE_EXHAUSTED, `this client has ${mine} ${this.what} already`);
    }
    if (this.total >= this.max) {
      throw new RpcError(status.RESOURCE_EXHAUSTED, `the node has ${this.total} ${this.what} already`);
    }
    this.total += 1;
    this.byClient.set(client, mine + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.total -= 1;
      const left = (this.byClient.get(client) ?? 1) - 1;
      if (left === 0) this.byClient.delete(client);
      else this.byClient.set(client, left);
    };
  }
}
