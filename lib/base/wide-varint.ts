const BITS = 7n;
const MORE = 0x80;

/** What protobuf's reader has: the bytes, and where it is in them. */
export interface VarintSource {
  readonly buf: Uint8Array;
  pos: number;
  readonly len: number;
}

/**
 * A number of 64 bits of a protobuf message, whole. The generated code has such numbers as numbers, which is right for bytes, times and counters; ids of etcd are
 * random in all of their bits.
 * @throws RangeError  the message ends within it, or it has more than 64 bits
 */
export function readWideVarint(source: VarintSource): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 64n; shift += BITS) {
    const byte = source.pos < source.len ? source.buf[source.pos++] : undefined;
    if (byte === undefined) throw new RangeError('the message ends within a number');
    value |= BigInt(byte & ~MORE) << shift;
    if (byte < MORE) return value;
  }
  throw new RangeError('a number has more than 64 bits');
}

/** As the generated code's encoders take a number of 64 bits that is to stay whole. */
export function wideNumber(value: bigint): number {
  const halves = { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
  // Their types know numbers only.
  return halves as unknown as number;
}
