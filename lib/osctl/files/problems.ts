import { TalosError } from '../../base/errors.js';
import type { Io } from '../io.js';
import type { Target } from '../session.js';
import { printable } from '../terminal.js';

interface Item {
  name?: string | null;
  error?: string | null;
  metadata?: { error?: string | null } | null;
}

/** What of a list could not be looked at: told on stderr, one line each, and by the exit code in the end. */
export class FileProblems {
  private count = 0;

  constructor(
    private readonly io: Io,
    private readonly namesNode: boolean,
  ) {}

  /** Those without a problem. */
  keepGood<T extends Item>(target: Target, items: readonly T[]): T[] {
    return items.filter(({ name, error, metadata }) => {
      const why = error || metadata?.error;
      if (!why) return true;
      this.count++;
      const node = this.namesNode ? `${target.name}: ` : '';
      this.io.stderr.write(`osctl: ${node}${name ? `${printable(name)}: ` : ''}${printable(why)}\n`);
      return false;
    });
  }

  finish(): void {
    if (this.count === 0) return;
    throw new TalosError('ERR_FILES', this.count === 1 ? 'one path failed' : `${this.count} paths failed`);
  }
}
