/** What an orphan costs whoever reaps it. The storm measures the CPU time of its parent, which is this process, from outside of it. */
import { readFileSync } from 'node:fs';
import { nativeOf, probeInput, tell } from '../probe.js';

const ORPHANS = 1000;

const input = probeInput();
const { process: processes, descriptor } = await nativeOf(input);
// Not PID 1, so orphans have to be asked for.
processes.startReaper({ subreaper: true });
const [output, stdout] = descriptor.pipe();
const child = processes.spawn({
  file: input.storm,
  argv: ['reaper-storm', 'orphans', String(ORPHANS)],
  env: {},
  stdin: 'null',
  stdout,
  stderr: 'inherit',
});
stdout.close();
const status = await child.exited;
if (status.kind !== 'exited' || status.code !== 0) throw new Error(`the storm ended with ${JSON.stringify(status)}`);
const text = readFileSync(output.releaseNumber(), 'utf8');
const { orphans, zombies, cpuMs } = JSON.parse(text) as { orphans: number; zombies: number; cpuMs: number };
if (zombies !== 0 || orphans < ORPHANS) throw new Error(`of ${orphans} orphans ${zombies} stayed zombies`);
const { orphansReaped } = processes.reaperStats();
if (orphansReaped !== orphans) throw new Error(`${orphansReaped} of ${orphans} orphans were counted`);
tell({ reaper: (cpuMs * 1000) / orphans });
