import { Command, InvalidArgumentError, Option } from 'commander';
import { MINUTE_MS, parseDuration } from '../../../base/units.js';
import { buildBootFiles } from '../../../cluster/boot-files.js';
import { createCluster, DEFAULT_CPUS, DEFAULT_MEMORY_MIB, DEFAULT_WAIT_TIMEOUT_MS } from '../../../cluster/create.js';
import { type ClusterIo, printResult } from './io.js';
import { askVersion } from './probe.js';
import { progressLine } from './progress.js';
import { readyText } from './view-text.js';

/** stage0 refuses to go on with less (native/stage0/memory.cc, which counts what the kernel has left of it). */
const MINIMUM_MEMORY_MIB = 512;

interface CreateFlags {
  name: string;
  arch: 'amd64';
  memory: number;
  cpus: number;
  waitTimeout: number;
  layer?: 'test';
  configDisk: boolean;
  extraKernelArgs: string[];
}

/** Whole numbers from a minimum on. */
function wholeNumber(minimum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`it must be a whole number, ${minimum} at least.`);
    }
    return value;
  };
}

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value <= 0) throw new InvalidArgumentError('it must be a duration such as 90s or 5m.');
  return value;
}

/** `osctl cluster create`: makes a local cluster of one node in QEMU and waits until its API answers. */
export function clusterCreateCommand(io: ClusterIo): Command {
  return new Command('create')
    .description('make a local cluster: one node in QEMU')
    .option('--name <name>', 'name of the cluster', 'talos')
    .addOption(new Option('--arch <arch>', 'architecture of the node').choices(['amd64']).default('amd64'))
    .option('--memory <MiB>', 'memory of the node', wholeNumber(MINIMUM_MEMORY_MIB), DEFAULT_MEMORY_MIB)
    .option('--cpus <n>', 'processors of the node', wholeNumber(1), DEFAULT_CPUS)
    .addOption(
      new Option('--wait-timeout <duration>', 'how long to wait for the API')
        .argParser(duration)
        .default(DEFAULT_WAIT_TIMEOUT_MS, `${DEFAULT_WAIT_TIMEOUT_MS / MINUTE_MS}m`),
    )
    .option('--extra-kernel-args <args>', 'more kernel arguments, separated by blanks', splitWords, [])
    .addOption(new Option('--layer <name>', 'layer on top of the shipped image').choices(['test']).hideHelp())
    .addOption(new Option('--no-config-disk', 'leave the config disk unplugged').hideHelp())
    .action(async (flags: CreateFlags, command: Command) => {
      const progress = progressLine(io.stderr);
      try {
        const state = await createCluster({
          ...(await buildBootFiles({ layer: flags.layer, onProgress: progress.update })),
          name: flags.name,
          cpus: flags.cpus,
          memoryMib: flags.memory,
          extraKernelArguments: flags.extraKernelArgs,
          withConfigDisk: flags.configDisk,
          waitTimeoutMs: flags.waitTimeout,
          probe: askVersion,
          environment: io.env,
          onProgress: progress.update,
        });
        progress.end();
        const [node] = state.nodes;
        const ready = node?.apiReadyMs === undefined ? '' : readyText(node.apiReadyMs, node.phases ?? []);
        printResult(
          io,
          command,
          state,
          `${ready}cluster ${state.name}: node ${node?.name} at ${node?.endpoint}, context ${state.context}\n`,
        );
      } finally {
        progress.end();
      }
    });
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
