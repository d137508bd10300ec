import { errorMessage } from '../base/errors.js';
import { NodesFailed } from './exit.js';
import type { Io } from './io.js';

/**
 * What fails of several streams. Each failure is told when it happens: the other streams may go on for ever, and whoever follows them is to know
 * from where nothing comes any more.
 */
export class StreamFailures {
  private readonly failures: { node: string; error: unknown }[] = [];

  /** @param isOnly  there is one stream: its failure is the command's, and told as such */
  constructor(
    private readonly io: Io,
    private readonly isOnly: boolean,
  ) {}

  /** @param node  whose stream, for people */
  add(node: string, error: unknown): void {
    this.failures.push({ node, error });
    // What fails because nobody reads is no failure of its own.
    if (this.isOnly || this.io.abandoned?.aborted) return;
    this.io.stderr.write(`osctl: ${node}: ${errorMessage(error)}\n`);
  }

  /** To be called when all streams are over. @throws what failed */
  finish(): void {
    const [first] = this.failures;
    if (first === undefined) return;
    throw this.isOnly ? first.error : new NodesFailed(this.failures, { areTold: true });
  }
}
