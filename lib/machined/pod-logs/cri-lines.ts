/**
 * What a container has written, out of the file that its runtime keeps for the kubelet (the CRI log format of Kubernetes):
 *
 *     2026-11-29T15:04:05.123456789Z stdout F a whole line
 *     2026-11-29T15:04:05.123456789Z stdout P the beginning of a long one,
 *     2026-11-29T15:04:05.123456789Z stdout F  and its end
 *
 * Pieces of a long line come one after the other for each of the two streams, and may have lines of the other stream between them.
 */
import { MIB } from '../../base/units.js';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const PARTIAL = 0x50;
const FULL = 0x46;
/** 'stdout' and 'stderr' alike; the fourth letter tells them apart. */
const STREAM_LENGTH = 6;
const LETTER_O = 0x6f;
/** RFC 3339 with nanoseconds and an offset has 35. */
const MAX_TIME_LENGTH = 40;
/** Of a line that is put together; a longer one is passed on in pieces of its own. */
const MAX_LINE_BYTES = MIB;
const EMPTY = Buffer.alloc(0);

/** Where in a line the content begins, whose it is, and whether more of the line follows; undefined for what is no line of that format. */
export interface LineHead {
  at: number;
  isStdout: boolean;
  isPartial: boolean;
}

/** Reads the beginning of the line in `bytes` from `start` to `end` (its newline, or the end of what there is). */
export function lineHead(bytes: Buffer, start: number, end: number): LineHead | undefined {
  let at = start;
  const timeEnd = Math.min(start + MAX_TIME_LENGTH, end);
  while (at < timeEnd && bytes[at] !== SPACE) at++;
  const stream = at + 1;
  const tag = stream + STREAM_LENGTH + 1;
  if (at === timeEnd || tag >= end || bytes[tag - 1] !== SPACE) return undefined;
  const kind = bytes[tag];
  if (kind !== PARTIAL && kind !== FULL) return undefined;
  let rest = tag + 1;
  // More tags may follow the first.
  if (bytes[rest] === COLON) while (rest < end && bytes[rest] !== SPACE) rest++;
  if (rest < end && bytes[rest] !== SPACE) return undefined;
  return { at: Math.min(rest + 1, end), isStdout: bytes[stream + 3] === LETTER_O, isPartial: kind === PARTIAL };
}

/** Puts one container's lines together. What is not in the format is passed on as it is: it was written by somebody, after all. */
export class CriLines {
  /** The beginning of a line of the file whose end has not been read. */
  private rest: Buffer = EMPTY;
  private readonly stdout: Pieces = { parts: [], bytes: 0 };
  private readonly stderr: Pieces = { parts: [], bytes: 0 };

  /** Whether a line is begun, in the file or in the container's output. */
  get isInside(): boolean {
    return this.rest.length + this.stdout.bytes + this.stderr.bytes > 0;
  }

  /** @param chunk  what follows in the file @returns whole lines of the container, each with its newline; memory of its own */
  take(chunk: Buffer): Buffer {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const made = Buffer.allocUnsafe(bytes.length + this.stdout.bytes + this.stderr.bytes);
    let filled = 0;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const head = lineHead(bytes, start, end);
      if (head === undefined) {
        filled += bytes.copy(made, filled, start, end + 1);
      } else {
        const pieces = head.isStdout ? this.stdout : this.stderr;
        if (head.isPartial) {
          keep(pieces, bytes, head.at, end);
          if (pieces.bytes > MAX_LINE_BYTES) filled = put(pieces, made, filled);
        } else {
          filled = put(pieces, made, filled);
          filled += bytes.copy(made, filled, head.at, end + 1);
        }
      }
      start = end + 1;
    }
    const left = bytes.length - start;
    // A file of another kind may have no newline for ever.
    if (left > MAX_LINE_BYTES) filled += bytes.copy(made, filled, start);
    this.rest = left > 0 && left <= MAX_LINE_BYTES ? Buffer.from(bytes.subarray(start)) : EMPTY;
    return made.subarray(0, filled);
  }

  /** Nothing follows: what has begun and not ended. */
  end(): Buffer {
    const rest = this.rest.length === 0 ? EMPTY : this.take(Buffer.from('\n'));
    const made = Buffer.allocUnsafe(rest.length + this.stdout.bytes + this.stderr.bytes);
    let filled = rest.copy(made);
    for (const pieces of [this.stdout, this.stderr]) filled = put(pieces, made, filled);
    return made.subarray(0, filled);
  }
}

interface Pieces {
  parts: Buffer[];
  bytes: number;
}

function keep(pieces: Pieces, bytes: Buffer, start: number, end: number): void {
  // A copy: what is read next may lie in the same memory.
  pieces.parts.push(Buffer.from(bytes.subarray(start, end)));
  pieces.bytes += end - start;
}

function put(pieces: Pieces, target: Buffer, at: number): number {
  let filled = at;
  for (const part of pieces.parts) filled += part.copy(target, filled);
  pieces.parts = [];
  pieces.bytes = 0;
  return filled;
}
