/** A machine whose power goes and comes back: QEMU is killed, and started again as it was. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { identify, signalProcess, waitForExit } from '../../lib/cluster/process-identity.js';
import { type NodeState, readState, writeState } from '../../lib/cluster/state.js';

const EXIT_MS = 20_000;

/** How QEMU was started. */
export interface Machine {
  readonly argv: readonly string[];
  readonly folder: string;
}

export function machineOf(node: NodeState): Machine {
  const { pid } = node.process;
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  return { argv, folder: readlinkSync(`/proc/${pid}/cwd`) };
}

/** Takes the power: what the guest has not given to its disks is gone. */
export async function cutPower(node: NodeState): Promise<void> {
  signalProcess(node.process, 'SIGKILL');
  await waitForExit(node.process, EXIT_MS);
}

/** Without a drive that it had, by its id. */
export function withoutDrive({ argv, folder }: Machine, id: string): Machine {
  const isOf = (word: string) => word.split(',').some((part) => part === `id=${id}` || part === `drive=${id}`);
  return { argv: argv.filter((word, at) => !isOf(word) && !isOf(argv[at + 1] ?? '')), folder };
}

/**
 * Gives the power back.
 * @param clusters  folder of all clusters, whose state knows the new process then
 * @param name      of the node; a cluster of one needs none
 */
export async function startAgain(
  { argv, folder }: Machine,
  clusters: string,
  cluster: string,
  name?: string,
): Promise<NodeState> {
  const [program = '', ...words] = argv;
  const state = await readState(clusters, cluster);
  const node = state?.nodes.find((each) => name === undefined || each.name === name);
  if (!state || !node) throw new Error(`there is no cluster ${cluster} with such a node`);
  // Behind what it said before: a machine that does not start has its reason there.
  const output = openSync(join(folder, `${node.name}.qemu.log`), 'a', 0o600);
  const child = spawn(program, words, { cwd: folder, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  await once(child, 'spawn');
  child.unref();
  const process = identify(child.pid as number);
  if (!process) throw new Error(`QEMU of ${node.name} did not start again`);
  const started = { ...node, process };
  await writeState(folder, { ...state, nodes: state.nodes.map((each) => (each === node ? started : each)) });
  return started;
}
