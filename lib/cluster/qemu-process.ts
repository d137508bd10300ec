import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, TalosError } from '../base/errors.js';
import { consoleTail } from './console-log.js';
import { MACHINES, type Machine } from './machines.js';
import { identify, type ProcessIdentity } from './process-identity.js';
import { type MachineOptions, qemuArguments } from './qemu-arguments.js';

/** A QEMU process that we have just started, and that goes on when we end. */
export interface StartedQemu {
  readonly process: ProcessIdentity;
  /** performance.now() at the start. */
  readonly startedAtMs: number;
  /** Aborted with the reason, the ends of QEMU's own output and of the console in it, when QEMU ends. */
  readonly ended: AbortSignal;
}

const TAIL_LINES = 15;

/**
 * Starts QEMU in the background: in a session of its own, with its working folder and its output in `folder`.
 * @throws TalosError ERR_QEMU when it cannot be started
 */
export async function startQemu(folder: string, machine: MachineOptions): Promise<StartedQemu> {
  const outputFile = path.join(folder, `${machine.name}.qemu.log`);
  await writeFile(machine.consoleLog, '', { mode: 0o600 });
  const output = openSync(outputFile, 'w', 0o600);
  const startedAtMs = performance.now();
  const type = MACHINES[machine.machine];
  let child: ChildProcess;
  try {
    child = spawn(type.qemu, qemuArguments(machine), {
      cwd: folder,
      detached: true,
      stdio: ['ignore', output, output],
    });
  } finally {
    closeSync(output);
  }
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(cannotStart(type, error)));
  });
  const ended = new AbortController();
  const reason = once(child, 'exit').then(([code, signal]) => describeEnd(machine, outputFile, code, signal));
  void reason.then((error) => ended.abort(error));
  const pid = child.pid as number;
  const identity = identify(pid);
  if (!identity) throw await reason;
  // From here on neither the process nor its exit keeps this process alive.
  child.unref();
  await writeFile(path.join(folder, `${machine.name}.pid`), `${pid}\n`, { mode: 0o600 });
  return { process: identity, startedAtMs, ended: ended.signal };
}

function cannotStart({ qemu, qemuPackage }: Machine, error: Error): TalosError {
  const isMissing = errorCode(error) === 'ENOENT';
  return new TalosError('ERR_QEMU', isMissing ? `${qemu} is not installed` : `cannot start ${qemu}: ${error.message}`, {
    cause: error,
    hint: `install QEMU 10 or later: the Debian package ${qemuPackage}, on bookworm from its backports`,
  });
}

async function describeEnd(
  machine: MachineOptions,
  outputFile: string,
  code: number | null,
  signal: string | null,
): Promise<TalosError> {
  const said = (await readFile(outputFile, 'utf8').catch(() => '')).trim();
  const tail = await consoleTail(machine.consoleLog, TAIL_LINES);
  const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
  const lines = [`QEMU of node ${machine.name} ${how}${said ? `: ${said.split('\n').slice(-3).join(' ')}` : ''}`];
  if (tail.length > 0) lines.push('end of its console:', ...tail.map((line) => `  | ${line}`));
  return new TalosError('ERR_QEMU_ENDED', lines.join('\n'));
}
