import type { Io } from './io.js';
import type { Target } from './session.js';
import { printable } from './terminal.js';

/** Goes to the start of the line and empties it. */
const CLEAR_LINE = '\r\x1b[2K';

/** Talk about long work on stderr: lines that stay, and on a terminal one line that changes with what is being done. */
export class Progress {
  private readonly isLive: boolean;
  private hasLiveLine = false;

  constructor(
    private readonly io: Io,
    targets: readonly Target[],
  ) {
    this.isLive = io.stderr.isTTY === true && targets.length === 1;
  }

  /** A line that stays. */
  say({ name }: Target, text: string): void {
    this.clear();
    this.io.stderr.write(`${name}: ${printable(text)}\n`);
  }

  /** What is being done now; nothing but on a terminal. */
  show({ name }: Target, text: string): void {
    if (!this.isLive) return;
    this.io.stderr.write(`${CLEAR_LINE}${name}: ${printable(text)}`);
    this.hasLiveLine = true;
  }

  /** Call before anything else is written. */
  clear(): void {
    if (this.hasLiveLine) this.io.stderr.write(CLEAR_LINE);
    this.hasLiveLine = false;
  }
}
