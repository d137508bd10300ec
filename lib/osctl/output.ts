/** Results for people (tables) and for programs (JSON, YAML). */
import type { Command } from 'commander';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { printable } from './terminal.js';

export type OutputFormat = 'table' | 'json' | 'yaml';

const COLUMN_GAP = 3;

/** Makes YAML; loaded by `loadFormat` only when it is asked for, since loading it takes a third of the time that osctl needs to start. */
let toYaml: ((value: unknown) => string) | undefined;

/** Loads what printing in the wanted format needs: a hook of the program, run before any command's action. */
export async function loadFormat(command: Command): Promise<void> {
  const { output } = command.optsWithGlobals() as { output?: string };
  if (output === 'yaml') toYaml = (await import('./yaml.js')).stringify;
}

/** The format that the global flag asks for. */
export function outputFormat(command: Command): OutputFormat {
  const { output = 'table' } = command.optsWithGlobals() as { output?: string };
  if (output !== 'table' && output !== 'json' && output !== 'yaml') {
    throw new UsageError(`${JSON.stringify(output)} is no output format: use table, json or yaml`);
  }
  return output;
}

/** Prints a result in the wanted format. @param text  makes the form for people */
export function printResult(io: Io, format: OutputFormat, result: unknown, text: () => string): void {
  if (format === 'table') io.stdout.write(text());
  else io.stdout.write(structured(format, result));
}

/** One of many results that come one by one: a line of JSON, or a document of YAML. */
export function structuredItem(format: 'json' | 'yaml', item: unknown): string {
  return format === 'json' ? `${JSON.stringify(item)}\n` : `---\n${structured(format, item)}`;
}

/** A result for programs. */
export function structured(format: 'json' | 'yaml', result: unknown): string {
  if (format === 'json') return `${JSON.stringify(result, null, 2)}\n`;
  if (toYaml === undefined) throw new Error('YAML was not loaded');
  return toYaml(result);
}

/** One item of a result that comes as a stream: a line of JSON, or an item of a YAML list. */
export function streamedItem(format: 'json' | 'yaml', item: unknown): string {
  return format === 'json' ? `${JSON.stringify(item)}\n` : structured(format, [item]);
}

/** Columns as wide as their widest cell; cells come from nodes, so control characters in them are made visible. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_title, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + COLUMN_GAP))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Label and value per line. */
export function fields(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + COLUMN_GAP;
  return rows
    .map(([label, value]) => `${label.padEnd(width)}${printable(value)}`.trimEnd())
    .join('\n')
    .concat('\n');
}
