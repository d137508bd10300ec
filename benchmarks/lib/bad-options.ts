/**
 * Imported for what it does: a command line that a benchmark does not take ends it with one sentence and code 2, as with osctl. Any other
 * error ends it as it would without this.
 */
import { basename } from 'node:path';
import { errorCode } from '../../lib/base/errors.js';

process.on('uncaughtException', (error) => {
  const isUsage =
    /^ERR_PARSE_ARGS_/.test(errorCode(error) ?? '') || (error instanceof RangeError && /^--/.test(error.message));
  if (!isUsage) {
    console.error(error);
    process.exit(1);
  }
  const name = basename(process.argv[1] ?? '', '.js');
  process.stderr.write(`${name}: ${error.message.split('\n')[0]}\nsee npm run bench -- ${name} --help\n`);
  process.exit(2);
});
