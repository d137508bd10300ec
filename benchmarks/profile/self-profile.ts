/**
 * V8's CPU profile of this process, for one that may not open files: Node's own --cpu-prof makes its file at the end, which osd's filter forbids.
 * Source: Chrome DevTools Protocol, domain Profiler; node:inspector, where answers of a session with its own thread come before `post` returns.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';

/** Microseconds between two samples, here and for `--cpu-prof-interval`. */
export const SAMPLING_INTERVAL_US = 500;

/** Profiles from here on; the descriptor gets the profile as JSON when the process ends. */
export function profileUntilExit(descriptor: number): void {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
  session.post('Profiler.start');
  process.once('exit', () => {
    session.post('Profiler.stop', (error, result) => {
      if (error) throw error;
      const content = Buffer.from(JSON.stringify(result.profile));
      for (let sent = 0; sent < content.length; ) sent += writeSync(descriptor, content, sent);
    });
  });
}
