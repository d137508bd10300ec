/** Pieces of a tar archive (POSIX ustar, with pax headers where a name, a number or its letters need one). */
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { KIB } from '../../../base/units.js';

const BLOCK_BYTES = 512;

export interface TarMember {
  type: 'File' | 'Directory' | 'SymbolicLink';
  /** Relative. */
  path: string;
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
  sizeBytes: number;
  /** Of a link. */
  target?: string | undefined;
}

/** What stands before a member's content. */
export function tarHeader(member: TarMember): Buffer {
  const fields = {
    path: member.type === 'Directory' ? `${member.path}/` : member.path,
    mode: member.mode,
    uid: member.uid,
    gid: member.gid,
    size: member.sizeBytes,
    mtime: new Date(member.modifiedMs),
    ...(member.target === undefined ? {} : { linkpath: member.target }),
  };
  const header = new Header({ ...fields, type: member.type });
  const block = Buffer.alloc(BLOCK_BYTES);
  return header.encode(block) ? Buffer.concat([new Pax(fields).encode(), block]) : block;
}

/** Up to the next whole block. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Two empty blocks. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

const ZEROS = Buffer.alloc(64 * KIB);

/** As many zero bytes, a piece at a time. */
export function* zeros(count: number): Generator<Buffer> {
  for (let rest = count; rest > 0; rest -= ZEROS.length) yield rest < ZEROS.length ? ZEROS.subarray(0, rest) : ZEROS;
}
