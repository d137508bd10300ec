/** The memory of all processes of a node, and of their control groups, over the machine API. */
import { type MachineClient, MachineService, onlyMessage, plain } from '../../lib/client/index.js';
import { CGROUP_ROOT } from '../../lib/os/cgroup-tree.js';
import {
  type ProcessMemory,
  parseCgroupPath,
  parseMemoryCurrent,
  parseSmapsRollup,
  programName,
} from './proc-memory.js';

export interface NodeProcess extends ProcessMemory {
  readonly pid: number;
  readonly program: string;
  /** Its control group; '' is the root. */
  readonly group: string;
}

export interface NodeMemory {
  readonly processes: readonly NodeProcess[];
  /** `memory.current` of each group that one of them is in: the page cache and the kernel's own for them are in it. */
  readonly groupBytes: ReadonlyMap<string, number>;
}

type ApiClient = Pick<MachineClient, 'unary' | 'stream'>;

/** Parent of the kernel's threads. */
const KTHREADD = 2;

/** One file after the other, by Read: a few calls a process, which the node hardly notices. @throws ClientError */
export async function readNodeMemory(client: ApiClient, node: string): Promise<NodeMemory> {
  const processes: NodeProcess[] = [];
  for (const { pid, ...named } of await userProcesses(client, node)) {
    const program = programName(named);
    try {
      const memory = parseSmapsRollup(await readText(client, `/proc/${pid}/smaps_rollup`));
      processes.push({
        pid,
        program,
        ...memory,
        group: parseCgroupPath(await readText(client, `/proc/${pid}/cgroup`)),
      });
    } catch (error) {
      // One that has ended meanwhile takes nothing.
      if ((await userProcesses(client, node)).some((process) => process.pid === pid)) throw error;
    }
  }
  const groupBytes = new Map<string, number>();
  for (const group of new Set(processes.map((process) => process.group))) {
    // The root has no such file.
    if (group === '') continue;
    groupBytes.set(group, parseMemoryCurrent(await readText(client, `${CGROUP_ROOT}/${group}/memory.current`)));
  }
  return { processes, groupBytes };
}

async function userProcesses(client: ApiClient, node: string) {
  const { processes } = onlyMessage(await client.unary(MachineService.Processes, {}), node);
  return plain(processes ?? []).filter(
    ({ pid, ppid, state }) => pid !== KTHREADD && ppid !== KTHREADD && state !== 'Z',
  );
}

async function readText(client: ApiClient, path: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const batch of client.stream(MachineService.Read, { path })) {
    for (const { bytes } of batch) if (bytes) pieces.push(bytes);
  }
  return Buffer.concat(pieces).toString();
}
