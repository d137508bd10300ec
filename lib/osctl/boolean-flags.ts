import type { Command, Option } from 'commander';

/**
 * Lets every flag that is on or off be written as talosctl's may be: `--merge=false` for `--no-merge`, `--follow=true` for `--follow`.
 * Words behind `--` stay, and so do flags that take a value in any command.
 */
export function plainBooleans(program: Command, argv: readonly string[]): string[] {
  const flags = new Map<string, Option[]>();
  for (const option of allOptions(program))
    flags.set(option.long ?? '', [...(flags.get(option.long ?? '') ?? []), option]);
  const isBoolean = (flag: string) => flags.get(flag)?.every((option) => option.isBoolean()) ?? false;
  const end = argv.indexOf('--');
  return argv.flatMap((word, index) => {
    const [, name, value] = /^--([a-z-]+)=(true|false)$/.exec(word) ?? [];
    if (name === undefined || !isBoolean(`--${name}`) || (end !== -1 && index > end)) return [word];
    if (value === 'true') return [`--${name}`];
    return flags.has(`--no-${name}`) ? [`--no-${name}`] : [];
  });
}

function allOptions(command: Command): Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)];
}
