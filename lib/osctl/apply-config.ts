/** What `osctl apply-config` does, apart from its definition. */

import { buffer as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { readBytes } from '../base/read-file.js';
import { MINUTE_MS, SECOND_MS } from '../base/units.js';
import { APPLY_MODES, MachineService, onlyMessage } from '../client/index.js';
import { patchedConfig } from './config-patches.js';
import type { Io } from './io.js';
import { type OutputFormat, printResult } from './output.js';
import { askAll, type InsecureFlags, withSession } from './session.js';
import { printable } from './terminal.js';

/** Whatever the user's patience is: a node checks and stores the config before it answers. */
const APPLY_TIMEOUT_MS = MINUTE_MS;

type ModeName = keyof typeof APPLY_MODES;

interface ApplyView {
  node: string;
  mode: string;
  details: string;
  warnings: string[];
}

export async function applyConfig(
  command: Command,
  io: Io,
  format: OutputFormat,
  flags: { file: string; mode: ModeName; dryRun?: boolean; timeout: number; configPatch?: string[] } & InsecureFlags,
): Promise<void> {
  const given = flags.file === '-' ? await readAll(process.stdin) : await readBytes(flags.file);
  const { configPatch: patches = [] } = flags;
  // Without a patch the node gets the bytes as they are, whatever they are.
  const data =
    patches.length === 0 ? given : Buffer.from(await patchedConfig(given.toString(), patches, nameOf(flags.file)));
  const request = {
    data,
    mode: APPLY_MODES[flags.mode],
    dryRun: flags.dryRun ?? false,
    tryModeTimeout: {
      seconds: Math.floor(flags.timeout / SECOND_MS),
      nanos: Math.round(flags.timeout % SECOND_MS) * 1_000_000,
    },
  };
  await withSession(
    command,
    io,
    async (session) => {
      const timeoutMs = Math.max(session.client.timeoutMs, APPLY_TIMEOUT_MS);
      const { answers, finish } = await askAll(session, async (target): Promise<ApplyView> => {
        const { name, node } = target;
        const reply = await session
          .clientOf(target)
          .unary(MachineService.ApplyConfiguration, request, { node, timeoutMs });
        const { mode, modeDetails, warnings } = onlyMessage(reply, name);
        return { node: name, mode: modeName(mode ?? 0), details: modeDetails ?? '', warnings: warnings ?? [] };
      });
      const views = answers.map(({ value }) => value);
      const prefix = (view: ApplyView) => (session.targets.length > 1 ? `${view.node}: ` : '');
      if (format === 'table') {
        for (const view of views) {
          for (const warning of view.warnings) io.stderr.write(`${prefix(view)}warning: ${printable(warning)}\n`);
        }
      }
      printResult(io, format, views.length === 1 && session.targets.length === 1 ? views[0] : views, () =>
        views.map((view) => `${prefix(view)}${text(view)}`).join(''),
      );
      finish();
    },
    flags,
  );
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/** Nodes of other versions may say nothing. */
function text({ mode, details }: ApplyView): string {
  const lines = (details === '' ? `applied (mode ${mode})` : details.trimEnd()).split('\n');
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function modeName(value: number): string {
  return Object.entries(APPLY_MODES).find(([, mode]) => mode === value)?.[0] ?? String(value);
}
