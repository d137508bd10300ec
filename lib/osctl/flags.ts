import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../base/units.js';
import { isEndpoint } from '../client/endpoint.js';
import { parseFingerprint } from '../client/fingerprint.js';

/** The flags that every command has. */
export interface GlobalFlags {
  nodes?: string[];
  endpoints?: string[];
  context?: string;
  talosconfig?: string;
  output?: string;
  timeout?: number;
}

/** Splits at commas; the flag may be given several times. */
export function collectWords(text: string, previous: string[] | undefined): string[] {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) throw new InvalidArgumentError('it must not be empty.');
  return [...(previous ?? []), ...words];
}

/** Texts of patches; not split at commas. The flag may be given several times. */
export function collectPatches(text: string, previous: string[] | undefined): string[] {
  if (text === '' || text === '@') throw new InvalidArgumentError('it must be YAML, JSON or @file.');
  return [...(previous ?? []), text];
}

function collectNodes(text: string, previous: string[] | undefined): string[] {
  const words = collectWords(text, previous);
  for (const word of words) {
    if (!isEndpoint(word)) throw new InvalidArgumentError('write the names or addresses of nodes.');
  }
  return words;
}

function collectEndpoints(text: string, previous: string[] | undefined): string[] {
  const words = collectWords(text, previous);
  for (const word of words) {
    if (!isEndpoint(word)) throw new InvalidArgumentError('write host or host:port.');
  }
  return words;
}

/** Fingerprints of certificates; the flag may be given several times. */
export function collectFingerprints(text: string, previous: string[] | undefined): string[] {
  const words = collectWords(text, previous);
  for (const word of words) {
    if (parseFingerprint(word) === undefined) {
      throw new InvalidArgumentError(
        'it must be a SHA-256 digest in base64 or hexadecimal, as the console of the node shows it.',
      );
    }
  }
  return words;
}

/** '90s', '5m'; a bare number is seconds. */
export function durationFlag(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs <= 0)
    throw new InvalidArgumentError('it must be a duration such as 90s or 5m.');
  return durationMs;
}

/** A whole number in a range. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`it must be a whole number, ${minimum} at least.`);
    }
    return value;
  };
}

function pathOf(command: Command): string[] {
  return [...(command.parent === null ? [] : pathOf(command.parent)), command.name()];
}

function globalOptions(): Option[] {
  return [
    new Option('-n, --nodes <list>', 'nodes meant, separated by commas').argParser(collectNodes),
    new Option('-e, --endpoints <list>', 'where to connect to, instead of what the context says').argParser(
      collectEndpoints,
    ),
    new Option('--context <name>', 'context of the client config to use'),
    new Option('--talosconfig <file>', 'client config to use'),
    new Option('-o, --output <format>', 'table, json or yaml'),
    new Option('--timeout <duration>', 'patience for a connection or an answer (default: 10s)').argParser(durationFlag),
  ];
}

/**
 * Gives a command and all below it the global flags, so that they may stand before and after the command's name, and the program's
 * settings. A command that uses a letter for something of its own keeps it; the flag has its long name only there.
 */
export function addGlobalFlags(command: Command, parent?: Command): Command {
  if (parent !== undefined) command.copyInheritedSettings(parent);
  // One line instead of the whole help, which would push the mistake off the screen.
  const path = pathOf(command).join(' ');
  command.showHelpAfterError(`  hint: see \`${path} --help\``);
  for (const option of globalOptions()) {
    const isTaken = command.options.some((own) => own.short === option.short && own.short !== undefined);
    const isSame = command.options.some((own) => own.long === option.long);
    if (isSame) continue;
    if (isTaken) delete option.short;
    command.addOption(parent === undefined ? option : option.hideHelp());
  }
  for (const child of command.commands) addGlobalFlags(child, command);
  return command;
}
