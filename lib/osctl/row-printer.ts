/** Results that come row by row and may be very many: printed as they come, in every format. */
import { type Io, writeChunks } from './io.js';
import { type OutputFormat, structured } from './output.js';
import { printable } from './terminal.js';

const COLUMN_GAP = 3;
/** Rows that are waited for before the widths of the columns are settled, and that are printed together. */
const ROWS_TOGETHER = 500;
/** How long a row waits for others. */
const PATIENCE_MS = 250;

export interface Row {
  /** For programs. */
  view: object;
  cells: readonly string[];
}

export interface Column {
  title: string;
  /** What its cells need as a rule: rows that come later may be wider than the first ones. That of the title unless given. */
  width?: number;
}

/**
 * Columns are as wide as the first rows and their own rule want it, and stay so: what was printed cannot be aligned anew. A cell that is
 * wider moves those behind it in its own line, and only as far as their blanks do not make up for it.
 */
export class RowPrinter {
  private readonly widths: number[];
  private isSettled = false;
  private waiting: Row[] = [];
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  /** Chunks go out one behind the other. */
  private printed: Promise<void> = Promise.resolve();

  /** @param columns  empty: a table without titles, of one column */
  constructor(
    private readonly io: Io,
    private readonly format: OutputFormat,
    private readonly columns: readonly Column[],
  ) {
    this.widths = columns.map(({ title, width = 0 }) => Math.max(title.length, width));
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
    if (!this.isSettled) {
      this.isSettled = true;
      this.widths.forEach((width, column) => {
        this.widths[column] = lines.reduce((most, line) => Math.max(most, line[column]?.length ?? 0), width);
      });
    }
    return (this.count === 0 ? this.titles() : '') + lines.map((line) => this.line(line)).join('');
  }

  private titles(): string {
    return this.columns.length === 0 ? '' : this.line(this.columns.map(({ title }) => title));
  }

  private line(cells: readonly string[]): string {
    let [text, start] = ['', 0];
    for (const [column, cell] of cells.entries()) {
      if (column > 0) text = `${text} `.padEnd(start);
      text += cell;
      start += (this.widths[column] ?? 0) + COLUMN_GAP;
    }
    return `${text.trimEnd()}\n`;
  }
}
