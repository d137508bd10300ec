/** How a profile's program ends: what people are meant to read is one sentence, anything else a bug with its stack. */
import { errorCode, errorMessage, TalosError } from '../../lib/base/errors.js';
import { ExitCode } from '../../lib/base/exit-codes.js';

/** @throws TalosError ERR_USAGE when it is no whole number above 0 */
export function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TalosError('ERR_USAGE', `${flag} takes a whole number above 0, not ${JSON.stringify(text)}`);
}

/** Runs it and sets the exit code. */
export async function runProfile(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isUsage = errorCode(error) === 'ERR_USAGE' || /^ERR_PARSE_ARGS_/.test(errorCode(error) ?? '');
    if (!isUsage && !(error instanceof TalosError)) throw error;
    const hint = error instanceof TalosError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : '';
    process.stderr.write(`${errorMessage(error)}${hint}\n`);
    process.exitCode = isUsage ? ExitCode.usage : ExitCode.failed;
  }
}
