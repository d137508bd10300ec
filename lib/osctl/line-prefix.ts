/** Puts a name in front of every line of a byte stream that comes in arbitrary chunks; a line is passed on when it is whole. */
export class LinePrefixer {
  private readonly prefix: Buffer;
  private rest: Buffer[] = [];

  constructor(prefix: string) {
    this.prefix = Buffer.from(prefix);
  }

  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const parts: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      parts.push(this.prefix, ...this.rest, bytes.subarray(start, end + 1));
      this.rest = [];
      start = end + 1;
    }
    // A copy: the rest outlives the message that it is part of, and would keep all of it.
    if (start < bytes.length) this.rest.push(Buffer.from(bytes.subarray(start)));
    return Buffer.concat(parts);
  }

  /** What is left when the stream is over, as a line. */
  end(): Buffer {
    if (this.rest.length === 0) return Buffer.alloc(0);
    const line = Buffer.concat([this.prefix, ...this.rest, Buffer.from('\n')]);
    this.rest = [];
    return line;
  }
}
