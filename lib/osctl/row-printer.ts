/** Results that come row by row and may be very many: printed as they come, in every format. */
import { type Io, writeChunks } from './io.js';
import { type OutputFormat, structured } from './output.js';
import { printable } from './terminal.js';

const COLUMN_GAP = 3;
/** Rows that are aligned with each other at once; columns only ever get wider. */
const ROWS_TOGETHER = 500;
/** How long a row waits for others to be aligned with. */
const PATIENCE_MS = 250;

export interface Row {
  /** For programs. */
  view: object;
  cells: readonly string[];
}

export class RowPrinter {
  private readonly widths: number[];
  private waiting: Row[] = [];
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  /** Chunks go out one behind the other. */
  private printed: Promise<void> = Promise.resolve();

  /** @param header  empty: a table without one */
  constructor(
    private readonly io: Io,
    private readonly format: OutputFormat,
    private readonly header: readonly string[],
  ) {
    this.widths = header.map((title) => title.length);
  }

  /** Resolves when there is room for more. */
  async add(rows: readonly Row[]): Promise<void> {
    this.waiting.push(...rows);
    if (this.waiting.length >= ROWS_TOGETHER) await this.flush();
    else if (this.waiting.length > 0) this.timer ??= setTimeout(() => void this.flush(), PATIENCE_MS);
  }

  /** Prints what waits, and the end; what is printed is whole then. */
  async end(): Promise<void> {
    await this.flush();
    if (this.format === 'json') await writeChunks(this.io.stdout, [this.count === 0 ? '[]\n' : '\n]\n']);
    else if (this.count === 0) await writeChunks(this.io.stdout, [this.format === 'yaml' ? '[]\n' : this.titles()]);
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const rows = this.waiting.splice(0);
    if (rows.length > 0) {
      const text = this.text(rows);
      this.count += rows.length;
      this.printed = this.printed.then(() => writeChunks(this.io.stdout, [text]));
    }
    return this.printed;
  }

  private text(rows: readonly Row[]): string {
    if (this.format === 'yaml')
      return structured(
        'yaml',
        rows.map(({ view }) => view),
      );
    if (this.format === 'json') {
      const start = this.count === 0 ? '[\n' : ',\n';
      return start + rows.map(({ view }) => JSON.stringify(view, null, 2).replace(/^/gm, '  ')).join(',\n');
    }
    const lines = rows.map(({ cells }) => cells.map(printable));
    for (const line of lines) {
      for (const [column, cell] of line.entries()) {
        this.widths[column] = Math.max(this.widths[column] ?? 0, cell.length);
      }
    }
    return (this.count === 0 ? this.titles() : '') + lines.map((line) => this.line(line)).join('');
  }

  private titles(): string {
    return this.header.length === 0 ? '' : this.line(this.header);
  }

  private line(cells: readonly string[]): string {
    const padded = cells.map((cell, column) => cell.padEnd((this.widths[column] ?? 0) + COLUMN_GAP));
    return `${padded.join('').trimEnd()}\n`;
  }
}
