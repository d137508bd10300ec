/**
 * Ids of node events: 12 bytes (seconds since 1970, 5 bytes of the boot, a counter of 3 bytes) in base 32, 20 characters of 0-9a-v.
 * This is the form of xid, which clients of the machine API parse. Ids of one boot sort as the events came.
 */
const LENGTH = 20;
const COUNTER_BITS = 24n;
const BOOT_BITS = 40n;
/** 96 bits make 19 digits and a fifth of one. */
const PADDING_BITS = 4n;

const mask = (bits: bigint) => (1n << bits) - 1n;

/** @param bootId  random, of at most 40 bits */
export function eventId(seconds: number, bootId: bigint, counter: number): string {
  const boot = bootId & mask(BOOT_BITS);
  const bits = (((BigInt(seconds) << BOOT_BITS) | boot) << COUNTER_BITS) | (BigInt(counter) & mask(COUNTER_BITS));
  return (bits << PADDING_BITS).toString(32).padStart(LENGTH, '0');
}

/** Whether a text is such an id at all. */
export function isEventId(text: string): boolean {
  return /^[0-9a-v]{19}[0g]$/.test(text);
}

/** Whether two ids are of the same boot. */
export function isSameBoot(one: string, other: string): boolean {
  return bootOf(one) === bootOf(other);
}

function bootOf(id: string): bigint {
  return (bitsOf(id) >> (PADDING_BITS + COUNTER_BITS)) & mask(BOOT_BITS);
}

function bitsOf(id: string): bigint {
  let bits = 0n;
  for (const digit of id) bits = (bits << 5n) | BigInt(Number.parseInt(digit, 32));
  return bits;
}

/** The counter of an id: the number of the event in its boot, modulo 2^24. */
export function counterOf(id: string): number {
  return Number((bitsOf(id) >> PADDING_BITS) & mask(COUNTER_BITS));
}
