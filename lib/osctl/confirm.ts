import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { TalosError } from '../base/errors.js';
import type { Io } from './io.js';
import { openSession } from './session.js';

/**
 * Asks once more before a reset, where there is somebody to be asked: on a terminal. A script has decided already.
 * @throws TalosError ERR_CANCELLED  the answer is not yes
 */
export async function confirmReset(
  command: Command,
  io: Io,
  flags: { yes?: boolean; userDisksToWipe?: string[]; systemLabelsToWipe?: string[]; wipeMode?: string },
  input: NodeJS.ReadStream = process.stdin,
): Promise<void> {
  const disks = flags.userDisksToWipe ?? [];
  const own = flags.wipeMode === 'user-disks' ? [] : (flags.systemLabelsToWipe ?? ['STATE and EPHEMERAL']);
  const wiped = [...own, ...disks];
  const wipe = wiped.length === 0 ? '' : ` and wipe ${wiped.join(', ')} of each`;
  await confirm(command, io, flags, (nodes) => `Reset ${nodes}${wipe}? [y/N] `, input);
}

/** As confirmReset, before disks are wiped. */
export async function confirmWipe(
  command: Command,
  io: Io,
  flags: { yes: boolean; names: readonly string[] },
  input: NodeJS.ReadStream = process.stdin,
): Promise<void> {
  await confirm(command, io, flags, (nodes) => `Wipe ${flags.names.join(', ')} of ${nodes}? [y/N] `, input);
}

async function confirm(
  command: Command,
  io: Io,
  { yes }: { yes?: boolean },
  ask: (nodes: string) => string,
  input: NodeJS.ReadStream,
): Promise<void> {
  if (yes || input.isTTY !== true || io.stderr.isTTY !== true) return;
  const { targets, client } = await openSession(command, io);
  client.close();
  const question = ask(targets.map(({ name }) => name).join(', '));
  const asking = createInterface({ input, output: io.stderr as NodeJS.WriteStream });
  try {
    // Ctrl-C and Ctrl-D close it without an answer.
    const unanswered = once(asking, 'close').then(() => '');
    const answered = asking.question(question).catch((error) => {
      if (error instanceof Error && error.name === 'AbortError') return '';
      throw error;
    });
    const answer = await Promise.race([answered, unanswered]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new TalosError('ERR_CANCELLED', 'nothing was done');
  } finally {
    asking.close();
  }
}
