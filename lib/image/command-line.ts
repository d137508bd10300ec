/** What the image builder's command lines have in common. */
import { TalosError } from '../base/errors.js';
import { ExitCode } from '../base/exit-codes.js';
import type { KubernetesRequest } from './kubernetes/plan.js';
import { progressLines } from './progress-lines.js';

/** Options that say which Kubernetes an image gets, for parseArgs. */
export const KUBERNETES_OPTIONS = {
  kubernetes: { type: 'string' },
  'kubernetes-source': { type: 'string' },
  'kubernetes-directory': { type: 'string' },
} as const;

/** Their values. @throws TalosError ERR_USAGE  a source without a version */
export function kubernetesRequest(
  values: { readonly [Name in keyof typeof KUBERNETES_OPTIONS]?: string | undefined },
  usage: string,
): KubernetesRequest | undefined {
  const { kubernetes: version, 'kubernetes-source': source, 'kubernetes-directory': directory } = values;
  if (version !== undefined) return { version, source, directory };
  if (source === undefined && directory === undefined) return undefined;
  throw usageError('--kubernetes-source and --kubernetes-directory need a version: --kubernetes VERSION', usage);
}

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
    return ['ERR_USAGE', 'ERR_RUNTIME', 'ERR_KUBERNETES'].includes(error.code) ? ExitCode.usage : ExitCode.failed;
  }
}
