import type { Sink } from '../io.js';

const EVERY_MS = 200;
/** Back to the start of the line, and empty it. */
const CLEAR = '\r\u001b[K';

/** One line on a terminal that says how far something is; nothing anywhere else. */
export class Progress {
  private shownMs = 0;

  constructor(private readonly sink: Sink) {}

  show(text: () => string): void {
    if (this.sink.isTTY !== true || Date.now() - this.shownMs < EVERY_MS) return;
    this.shownMs = Date.now();
    this.sink.write(`${CLEAR}${text()}`);
  }

  /** Something that stays. */
  say(text: string): void {
    this.clear();
    this.sink.write(text);
  }

  /** @param text  for a terminal only */
  end(text = ''): void {
    this.clear();
    if (this.sink.isTTY === true && text !== '') this.sink.write(text);
  }

  private clear(): void {
    if (this.shownMs === 0) return;
    this.sink.write(CLEAR);
    this.shownMs = 0;
  }
}
