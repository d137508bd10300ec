import { errorCode } from '../base/errors.js';
import { handle } from './exit.js';
import { processIo } from './io.js';
import { run } from './program.js';

/**
 * How long connections may keep a process that is done. An end without process.exit() is to be preferred: that one waits for V8's threads
 * without telling them, and one that compiles and runs out of memory for code just then waits for a collection that never comes
 * (nodejs/node issue 54918).
 */
const TEAR_DOWN_MS = 500;

const io = processIo();

// `osctl logs … | head`: whoever reads has seen enough, and that is fine.
process.stdout.on('error', (error) => process.exit(errorCode(error) === 'EPIPE' ? 0 : handle(error, io)));

/** Runs osctl with the process's arguments, and ends the process. */
export async function main(): Promise<void> {
  let code = 0;
  try {
    await run(process.argv.slice(2), io);
  } catch (error) {
    code = handle(error, io);
  }
  process.exitCode = code;
  // Output that is still being written holds the process; connections that are still being torn down may not, or not for long.
  process.stdout.write('', () => setTimeout(() => process.exit(code), TEAR_DOWN_MS).unref());
}

await main();
