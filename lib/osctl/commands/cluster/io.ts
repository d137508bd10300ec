import type { Command } from 'commander';
import { stringify } from 'yaml';
import { outputFormat } from '../../output.js';
import type { TextSink } from './progress.js';

/** What the cluster commands need of osctl's surroundings. */
export interface ClusterIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Prints a result in the form that the global option `--output` asks for.
 * @param text  the form for people
 */
export function printResult(io: ClusterIo, command: Command, result: unknown, text: string): void {
  const format = outputFormat(command);
  if (format === 'json') io.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else if (format === 'yaml') io.stdout.write(stringify(result));
  else io.stdout.write(text);
}
