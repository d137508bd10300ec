import { KIB } from '../../base/units.js';
import type { FileDescriptor, FilesModule } from '../../native/contract.js';
import { lineHead } from './cri-lines.js';

const NEWLINE = 0x0a;
const BLOCK_BYTES = 128 * KIB;
/** Time, stream and tags take less. */
const HEAD_BYTES = 128;

/**
 * Where the last `lines` lines of a container begin in its log file, looking back from `sizeBytes`. One in pieces counts once, with all of them.
 * @returns a position in the file; 0 when there are no more lines than that
 */
export async function tailPosition(
  files: Pick<FilesModule, 'read'>,
  file: FileDescriptor,
  sizeBytes: number,
  lines: number,
): Promise<number> {
  let count = 0;
  /** Behind the newline of the line that is looked at. */
  let lineEnd = sizeBytes;
  /** The beginning of what was read last, whose line begins further ahead. */
  let carry = Buffer.alloc(0);
  /** Whether the line that was passed is one too many: a piece ends none. */
  const isTooMany = (view: Buffer, start: number, end: number) => {
    if (lineHead(view, start, end)?.isPartial !== true) count++;
    return count > lines;
  };
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = await files.read(file, { position: start, maxBytes: end - start });
    const view = Buffer.concat([block, carry]);
    let viewEnd = view.length;
    // The newline at the very end begins no line.
    if (end === sizeBytes && block.at(-1) === NEWLINE) viewEnd--;
    for (let at = newlineBefore(block, viewEnd); at >= 0; at = newlineBefore(block, at)) {
      if (isTooMany(view, at + 1, viewEnd)) return lineEnd;
      lineEnd = start + at + 1;
      viewEnd = at;
    }
    carry = Buffer.from(view.subarray(0, Math.min(viewEnd, HEAD_BYTES)));
    end = start;
  }
  return isTooMany(carry, 0, carry.length) ? lineEnd : 0;
}

/** The last newline in front of `end`; below zero: there is none. */
function newlineBefore(bytes: Buffer, end: number): number {
  return end <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, Math.min(end, bytes.length) - 1);
}
