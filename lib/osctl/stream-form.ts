/** Forms that a stream of bytes may be printed in, line by line. What comes arrives in arbitrary chunks; a line is passed on when it is whole. */

/** Makes what is printed of what comes. */
export interface StreamForm {
  /** What this chunk completes. */
  push(chunk: Uint8Array): Buffer;
  /** What is left, when the stream is over or something is missing from here on. */
  end(): Buffer;
}

/** How much of a line is held: a longer one is cut, since a stream without line ends must not fill the memory. */
const MAX_HELD_BYTES = 4 << 20;

/** Cuts a stream into lines. Works on text in which each character is a byte, which the engine searches and replaces fastest. */
abstract class LineForm implements StreamForm {
  private rest: string[] = [];
  private restLength = 0;

  push(chunk: Uint8Array): Buffer {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const end = text.lastIndexOf('\n');
    if (end === -1) {
      this.rest.push(text);
      this.restLength += text.length;
      return this.restLength > MAX_HELD_BYTES ? this.end() : Buffer.alloc(0);
    }
    const lines = [...this.rest, text.slice(0, end)].join('');
    this.rest = end + 1 === text.length ? [] : [text.slice(end + 1)];
    this.restLength = text.length - end - 1;
    return this.form(lines);
  }

  end(): Buffer {
    if (this.restLength === 0) return Buffer.alloc(0);
    const line = this.rest.join('');
    this.rest = [];
    this.restLength = 0;
    return this.form(line);
  }

  /** @param lines  one or more, without the last line end; a character is a byte */
  protected abstract form(lines: string): Buffer;
}

/** Puts a name in front of every line. */
export class LinePrefixer extends LineForm {
  private readonly prefix: string;
  private readonly between: string;

  constructor(prefix: string) {
    super();
    this.prefix = Buffer.from(prefix).toString('latin1');
    // As a pattern of what is put in, in which a dollar sign would stand for something else.
    this.between = `\n${this.prefix}`.replaceAll('$', '$$$$');
  }

  protected override form(lines: string): Buffer {
    return Buffer.from(`${this.prefix}${lines.replaceAll('\n', this.between)}\n`, 'latin1');
  }
}

/** Makes text of every line; what is made may be nothing. */
export class LineMapper extends LineForm {
  constructor(private readonly map: (line: string) => string) {
    super();
  }

  protected override form(lines: string): Buffer {
    return Buffer.from(Buffer.from(lines, 'latin1').toString('utf8').split('\n').map(this.map).join(''));
  }
}
