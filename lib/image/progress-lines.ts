/** Progress on stderr: one line that is rewritten on a terminal, a line now and then elsewhere. */
import type { Progress } from '../base/build-cache.js';
import { formatDuration, SECOND_MS } from '../base/units.js';

const REDRAW_MS = 200;
const QUIET_INTERVAL_MS = 15 * SECOND_MS;

/** Where progress goes; `process.stderr` is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Shows progress until the result is called.
 * @returns `report` to be told, `end` to leave a clean line behind
 */
export function progressLines(stream: ProgressStream, now: () => number = Date.now): { report: Progress; end(): void } {
  const started = now();
  const isLive = stream.isTTY === true;
  let shownMs = Number.NEGATIVE_INFINITY;
  let shownStep = '';
  return {
    report(text, percent) {
      // A counter changes the words all the time; what is in front of the first digit is the step.
      const step = text.split(/\d/)[0] ?? text;
      const isDue = now() - shownMs >= (isLive ? REDRAW_MS : QUIET_INTERVAL_MS);
      if (!isDue && step === shownStep) return;
      shownMs = now();
      shownStep = step;
      const share = percent === undefined ? '' : `${percent} % `;
      const line = `[${formatDuration(now() - started)}] ${share}${text}`;
      stream.write(isLive ? `\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}` : `${line}\n`);
    },
    end() {
      if (isLive) stream.write('\r\u001b[K');
    },
  };
}
