/** Starts the frame switch of a cluster in the background. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { TalosError } from '../base/errors.js';
import { repositoryRoot } from '../image/paths.js';
import { LAN_SOCKET } from './lan.js';
import { identify, type ProcessIdentity } from './process-identity.js';

const LOG_FILE = 'switch.log';

/**
 * Starts it in a session of its own, with its working folder and its output in `folder`; it listens when this returns.
 * @param folder  of the cluster
 * @throws TalosError ERR_FRAME_SWITCH
 */
export async function startSwitch(folder: string): Promise<ProcessIdentity> {
  const program = path.join(repositoryRoot(), 'out', 'js', 'lib', 'cluster', 'frame-switch-main.js');
  const logFile = path.join(folder, LOG_FILE);
  const log = openSync(logFile, 'w', 0o600);
  const child = spawn(process.execPath, [program, LAN_SOCKET], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  const output = child.stdout as Readable;
  // Either it says that it listens, or its output ends with it.
  const [said] = await Promise.race([once(output, 'data'), once(output, 'end')]);
  output.destroy();
  child.unref();
  const identity = said === undefined ? undefined : identify(child.pid as number);
  if (identity) return identity;
  const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
  const reason = lines.find((line) => line.includes('Error')) ?? lines.at(-1);
  throw new TalosError(
    'ERR_FRAME_SWITCH',
    `the network of the cluster cannot be started: ${reason || 'no reason given'}`,
    {
      hint: "build the project with 'npm run build'; then run this again",
    },
  );
}
