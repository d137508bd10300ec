import { InitLog } from '../../../lib/init/log.js';

/** A log whose lines the test reads, without PID 1's prefix. */
export function recordingLog(): { log: InitLog; lines: { level: number; text: string }[] } {
  const lines: { level: number; text: string }[] = [];
  const log = new InitLog({
    write(level, text) {
      for (const line of text.split('\n')) lines.push({ level, text: line.replace('[talos] ', '') });
    },
  });
  return { log, lines };
}
