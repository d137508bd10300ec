import { errorCode } from '../base/errors.js';
import { handle } from './exit.js';
import { processIo } from './io.js';
import { run } from './program.js';

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
  // Connections that are still being torn down must not hold the process; output that is still being written must.
  process.stdout.write('', () => process.exit(code));
}

await main();
