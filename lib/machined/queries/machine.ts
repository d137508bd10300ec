import { SECOND_MS } from '../../base/units.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import type { ProcessInfo } from '../../native/contract.js';
import { MountUsageReader } from '../../os/mount-usage.js';
import { netstatQuery } from './netstat.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

/** Calls about the machine as a whole. */
export function machineQueries({ native }: QuerySources) {
  const mounts = new MountUsageReader(native.mount);
  return {
    ...unary(api.Mounts, machine.Mounts, async () => ({ stats: await mounts.read() })),
    ...netstatQuery(),
    ...unary(api.Processes, machine.Process, async () => {
      const { processes } = await native.process.readTable();
      return { processes: processes.map(processInfo) };
    }),
  };
}

function processInfo(process: ProcessInfo): machine.ProcessInfo.$Properties {
  return {
    pid: process.pid,
    ppid: process.parentPid,
    state: process.state,
    threads: process.threads,
    cpuTime: process.cpuTimeMs / SECOND_MS,
    virtualMemory: process.virtualBytes,
    residentMemory: process.residentBytes,
    command: process.command,
    executable: process.executable,
    args: process.arguments.join(' '),
  };
}
