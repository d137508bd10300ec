/** Starting and collecting a program that only ends: one after the other, on a small heap. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSmallestProgram } from '../../lib/smallest-program.js';
import { nativeOf, probeInput, stopwatch, tell } from '../probe.js';

const WARM_UP = 50;
const PROCESSES = 400;

const { process: processes } = await nativeOf(probeInput());
const folder = mkdtempSync(join(tmpdir(), 'talos-guard-'));
try {
  const file = join(folder, 'smallest');
  await writeSmallestProgram(file);
  processes.startReaper({ subreaper: false });
  const stdio = { stdin: 'null', stdout: 'null', stderr: 'null' } as const;
  const start = async () => {
    const status = await processes.spawn({ file, argv: ['smallest'], env: {}, ...stdio }).exited;
    if (status.kind !== 'exited' || status.code !== 0) throw new Error(`it ended with ${JSON.stringify(status)}`);
  };
  for (let count = 0; count < WARM_UP; count++) await start();
  const took = stopwatch();
  for (let count = 0; count < PROCESSES; count++) await start();
  const { wallUs, cpuUs } = took();
  if (processes.reaperStats().childrenReaped !== WARM_UP + PROCESSES) throw new Error('a status was lost');
  tell({ 'spawn-time': wallUs / PROCESSES, 'spawn-cpu': cpuUs / PROCESSES });
} finally {
  rmSync(folder, { recursive: true });
}
