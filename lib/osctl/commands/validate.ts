import { Command } from 'commander';
import type { Io } from '../io.js';

/** `osctl validate`: is this a machine config that a node takes? */
export function validateCommand(io: Io): Command {
  return new Command('validate')
    .description('check a machine config without a node')
    .requiredOption('-c, --config <file>', 'the config; - for standard input')
    .option('-m, --mode <mode>', 'kind of machine, for the sake of scripts made for talosctl', 'metal')
    .option('--strict', 'take warnings as errors')
    .action(async (flags: { config: string; strict?: boolean }) => {
      const { readFile } = await import('node:fs/promises');
      const { text: readAll } = await import('node:stream/consumers');
      const { ConfigError, formatProblem, parseMachineConfig } = await import('../../config/index.js');
      const text = flags.config === '-' ? await readAll(process.stdin) : await readFile(flags.config, 'utf8');
      const { warnings } = parseMachineConfig(text);
      if (flags.strict && warnings.length > 0) throw new ConfigError(warnings, flags.config);
      for (const warning of warnings) io.stderr.write(`warning: ${formatProblem(warning)}\n`);
      io.stderr.write(`${flags.config} is valid\n`);
    });
}
