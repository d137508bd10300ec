import { errorCode } from '../base/errors.js';
import { handle } from './exit.js';
import { processIo } from './io.js';
import { run } from './program.js';

/**
 * How long what is left of a command that is done may keep the process. An end without process.exit() is to be preferred: that one waits for
 * V8's threads without telling them, and one that compiles and runs out of memory for code just then waits for a collection that never
 * comes (nodejs/node issue 54918).
 */
const TEAR_DOWN_MS = 500;

const abandoned = new AbortController();
const io = processIo(abandoned.signal);

/** Sets the exit code; what holds the process is to let go of it, soon. */
function end(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), TEAR_DOWN_MS).unref();
}

// `osctl logs … | head`: whoever reads has seen enough, and that is fine. Calls for what nobody reads end, and with them the command.
process.stdout.on('error', (error) => {
  if (abandoned.signal.aborted) return;
  end(errorCode(error) === 'EPIPE' ? 0 : handle(error, io));
  abandoned.abort();
});

/** Runs osctl with the process's arguments, and ends the process. */
export async function main(): Promise<void> {
  let code = 0;
  try {
    await run(process.argv.slice(2), io);
  } catch (error) {
    // What fails because nobody reads is no failure of its own.
    if (!abandoned.signal.aborted) code = handle(error, io);
  }
  if (abandoned.signal.aborted) return;
  process.exitCode = code;
  // Output that is still being written holds the process; connections that are still being torn down may not, or not for long.
  process.stdout.write('', () => {
    if (!abandoned.signal.aborted) end(code);
  });
}

await main();
