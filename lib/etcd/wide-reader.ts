import { readWideVarint } from '../base/wide-varint.js';
import { Reader } from '../gen/runtime.js';

/** Reads numbers of 64 bits as bigints, which the types of the generated code do not know: `whole` makes one of whatever was read, or was not there. */
export class WideReader extends Reader {
  override uint64(): never {
    return BigInt.asUintN(64, readWideVarint(this)) as never;
  }

  override int64(): never {
    return BigInt.asIntN(64, readWideVarint(this)) as never;
  }
}

export function whole(value: number | bigint | null | undefined): bigint {
  return BigInt(value ?? 0);
}
