import { SECOND_MS } from '../base/units.js';
import { plainAddress } from './peer-address.js';

/** Lets through `perSecond` in the long run and `burst` at once. */
export class TokenBucket {
  private tokens: number;
  private filledAtMs: number;

  /** @param now  milliseconds of a clock that never goes back */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.tokens = burst;
    this.filledAtMs = now();
  }

  /** @param share  of the rate and of the burst, above 0 and at most 1: what there is time for */
  take(share = 1): boolean {
    const now = this.now();
    const filled = this.tokens + ((now - this.filledAtMs) / SECOND_MS) * this.perSecond * share;
    this.tokens = Math.min(Math.max(this.burst * share, 1), filled);
    this.filledAtMs = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

/** Addresses with a bucket of their own; the one that was not seen for the longest time makes room for a new one. */
const MAX_ADDRESSES = 1024;

/** A bucket for each address, so that one host cannot use up what all share. An IPv6 host has its whole /64. */
export class AddressBuckets {
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param share  as of TokenBucket.take */
  take(address: string, share = 1): boolean {
    const key = hostPart(address);
    const bucket = this.buckets.get(key) ?? new TokenBucket(this.perSecond, this.burst, this.now);
    // Last in the map is last seen.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_ADDRESSES) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    return bucket.take(share);
  }
}

/** IPv4 whole, also when it is mapped into IPv6; of IPv6 the first four groups. */
function hostPart(whole: string): string {
  const address = plainAddress(whole);
  if (!address.includes(':')) return address;
  const [left = '', right] = (address.split('%')[0] as string).split('::');
  const head = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    while (head.length + tail.length < 8) head.push('0');
    head.push(...tail);
  }
  return head.slice(0, 4).join(':');
}
