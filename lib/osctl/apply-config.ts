/** What `osctl apply-config` does, apart from its definition. */
import { readFile } from 'node:fs/promises';
import { buffer as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { MINUTE_MS, SECOND_MS } from '../base/units.js';
import { APPLY_MODES, MachineService, onlyMessage } from '../client/index.js';
import type { Io } from './io.js';
import { type OutputFormat, printResult } from './output.js';
import { askAll, withSession } from './session.js';
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
  flags: { file: string; mode: ModeName; dryRun?: boolean; timeout: number; configPatch?: string[] },
): Promise<void> {
  const file = flags.file === '-' ? await readAll(process.stdin) : await readFile(flags.file);
  const data = await patched(file, flags);
  const request = {
    data,
    mode: APPLY_MODES[flags.mode],
    dryRun: flags.dryRun ?? false,
    tryModeTimeout: {
      seconds: Math.floor(flags.timeout / SECOND_MS),
      nanos: Math.round(flags.timeout % SECOND_MS) * 1_000_000,
    },
  };
  await withSession(command, io, async (session) => {
    const timeoutMs = Math.max(session.client.timeoutMs, APPLY_TIMEOUT_MS);
    const { answers, finish } = await askAll(session, async ({ name, node }): Promise<ApplyView> => {
      const reply = await session.client.unary(MachineService.ApplyConfiguration, request, { node, timeoutMs });
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
  });
}

async function patched(
  data: Buffer,
  { file, configPatch = [] }: { file: string; configPatch?: string[] },
): Promise<Buffer> {
  if (configPatch.length === 0) return data;
  const { patchConfig } = await import('../config/patch.js');
  let text = data.toString('utf8');
  for (const given of configPatch) {
    const isFile = given.startsWith('@');
    const patch = isFile ? await readFile(given.slice(1), 'utf8') : given;
    text = patchConfig(text, patch, { config: file, patch: isFile ? given.slice(1) : 'the patch' });
  }
  return Buffer.from(text);
}

/** Nodes of other versions may say nothing. */
function text({ mode, details }: ApplyView): string {
  const lines = (details === '' ? `applied (mode ${mode})` : details.trimEnd()).split('\n');
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function modeName(value: number): string {
  return Object.entries(APPLY_MODES).find(([, mode]) => mode === value)?.[0] ?? String(value);
}
