/** Forms that a stream of bytes may be printed in, line by line. What comes arrives in arbitrary chunks; a line is passed on when it is whole. */

import { KIB, MIB } from '../base/units.js';

/** Makes what is printed of what comes. */
export interface StreamForm {
  /** What this chunk completes. */
  push(chunk: Uint8Array): Buffer;
  /** What is left, when the stream is over or something is missing from here on. */
  end(): Buffer;
}

/** How much of a line is held: a longer one is cut, since a stream without line ends must not fill the memory. */
const MAX_HELD_BYTES = 4 * MIB;
/** Of what is worked on at a time. V8 puts a text of more than 128 KiB where only a collection of the whole heap frees it. */
const PIECE_BYTES = 64 * KIB;
const LINE_END = 10;

/** Cuts a stream into lines. Works on text in which each character is a byte, which the engine searches and replaces fastest. */
abstract class LineForm implements StreamForm {
  private rest: string[] = [];
  private restLength = 0;

  /** @param encoding  of the texts that {@link form} makes */
  constructor(private readonly encoding: 'latin1' | 'utf8') {}

  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const end = bytes.lastIndexOf(LINE_END);
    if (end === -1) {
      this.hold(bytes);
      return this.restLength > MAX_HELD_BYTES ? this.end() : Buffer.alloc(0);
    }
    const texts: string[] = [];
    for (let from = 0, to = 0; from <= end; from = to + 1) {
      // The last line end of this piece; of a line that is longer than that, its own.
      to = bytes.subarray(from, Math.min(from + PIECE_BYTES, end + 1)).lastIndexOf(LINE_END) + from;
      if (to < from) to = bytes.indexOf(LINE_END, from);
      const lines = bytes.toString('latin1', from, to);
      texts.push(this.form(this.restLength === 0 ? lines : this.completed(lines)));
    }
    this.hold(bytes.subarray(end + 1));
    return this.bytesOf(texts);
  }

  end(): Buffer {
    return this.restLength === 0 ? Buffer.alloc(0) : this.bytesOf([this.form(this.completed(''))]);
  }

  /**
   * @param lines  one or more, without the last line end; a character is a byte
   * @returns text that has its line ends
   */
  protected abstract form(lines: string): string;

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.rest.push(bytes.toString('latin1'));
    this.restLength += bytes.length;
  }

  private completed(end: string): string {
    const line = [...this.rest, end].join('');
    this.rest = [];
    this.restLength = 0;
    return line;
  }

  private bytesOf(texts: readonly string[]): Buffer {
    const length = texts.reduce((sum, text) => sum + Buffer.byteLength(text, this.encoding), 0);
    const all = Buffer.allocUnsafe(length);
    let at = 0;
    for (const text of texts) at += all.write(text, at, this.encoding);
    return all;
  }
}

/** Puts a name in front of every line. */
export class LinePrefixer extends LineForm {
  private readonly prefix: string;
  private readonly between: string;

  constructor(prefix: string) {
    super('latin1');
    this.prefix = Buffer.from(prefix).toString('latin1');
    // As a pattern of what is put in, in which a dollar sign would stand for something else.
    this.between = `\n${this.prefix}`.replaceAll('$', '$$$$');
  }

  protected override form(lines: string): string {
    // By a pattern V8 makes one text of all at once, by replaceAll() of a text a new one for each line.
    return `${this.prefix}${lines.replace(/\n/g, this.between)}\n`;
  }
}

/** Makes text of every line; what is made may be nothing. */
export class LineMapper extends LineForm {
  constructor(private readonly map: (line: string) => string) {
    super('utf8');
  }

  protected override form(lines: string): string {
    return Buffer.from(lines, 'latin1').toString('utf8').split('\n').map(this.map).join('');
  }
}
