/** Puts the lines of a stream together, each whole and none longer than a bound. */
export class LineSplitter {
  private pieces: Buffer[] = [];
  private heldBytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Of a line whose end has not come yet. */
  get pendingBytes(): number {
    return this.heldBytes;
  }

  /**
   * @returns lines that end in this chunk, without their ends; empty ones are left out
   * @throws RangeError  a line has more than `maxBytes`
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      this.hold(chunk.subarray(from, end));
      const line = Buffer.concat(this.pieces).toString('utf8');
      if (line.trim() !== '') lines.push(line);
      this.pieces = [];
      this.heldBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) this.hold(chunk.subarray(from));
    return lines;
  }

  private hold(piece: Buffer): void {
    this.heldBytes += piece.length;
    if (this.heldBytes > this.maxBytes) throw new RangeError(`a line of more than ${this.maxBytes} bytes`);
    this.pieces.push(piece);
  }
}
