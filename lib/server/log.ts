import { printable } from '../base/printable.js';

/** One line, or several that are about one thing: those but the first are indented, so that nothing within them can pose as a line of ours. */
export function log(text: string): void {
  const lines = text.split('\n').map(printable).join('\n  ');
  process.stdout.write(`${new Date().toISOString()} ${lines}\n`);
}
