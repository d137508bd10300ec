import { Command, Option } from 'commander';
import { readText } from '../../base/read-file.js';
import type { Io } from '../io.js';

/** `osctl validate`: is this a machine config that a node takes? */
export function validateCommand(io: Io): Command {
  return new Command('validate')
    .description('check a machine config without a node')
    .requiredOption('-c, --config <file>', 'the config; - for standard input')
    .addOption(
      new Option('-m, --mode <mode>', 'kind of machine; all are checked alike, it is for scripts made for talosctl')
        .choices(['metal', 'cloud', 'container'])
        .default('metal'),
    )
    .option('--strict', 'take warnings as errors')
    .action(async (flags: { config: string; strict?: boolean }) => {
      const { text: readAll } = await import('node:stream/consumers');
      const { ConfigError, formatProblem } = await import('../../config/index.js');
      const { checkMachineConfig } = await import('../check-config.js');
      const text = flags.config === '-' ? await readAll(process.stdin) : await readText(flags.config);
      const { warnings } = checkMachineConfig(text, flags.config === '-' ? 'standard input' : flags.config);
      if (flags.strict && warnings.length > 0) throw new ConfigError(warnings, flags.config);
      for (const warning of warnings) io.stderr.write(`warning: ${formatProblem(warning)}\n`);
      io.stderr.write(`${flags.config} is valid\n`);
    });
}
