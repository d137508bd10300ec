/** What the image builder's command lines have in common. */
import { TalosError } from '../base/errors.js';
import { ExitCode } from '../base/exit-codes.js';
import { progressLines } from './progress-lines.js';

/** A command line that makes no sense: a sentence, and how it is meant. */
export function usageError(problem: string, usage: string): TalosError {
  return new TalosError('ERR_USAGE', `${problem}\n\n${usage}`);
}

/**
 * Runs a command: progress and failures go to standard error, what it returns to standard output.
 * @returns the exit code
 */
export async function runImageCommand(
  work: (onProgress: (text: string, percent?: number) => void) => Promise<string>,
): Promise<ExitCode> {
  const progress = progressLines(process.stderr);
  try {
    const text = await work(progress.report);
    progress.end();
    process.stdout.write(text);
    return ExitCode.ok;
  } catch (error) {
    progress.end();
    if (!(error instanceof TalosError)) throw error;
    process.stderr.write(`image: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
    return error.code === 'ERR_USAGE' ? ExitCode.usage : ExitCode.failed;
  }
}
