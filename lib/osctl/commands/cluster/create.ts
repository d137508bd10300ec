import { Command, InvalidArgumentError, Option } from 'commander';
import type { Architecture } from '../../../base/architecture.js';
import { GIB, MINUTE_MS, parseBytes, parseDuration } from '../../../base/units.js';
import { buildBootFiles } from '../../../cluster/boot-files.js';
import {
  createCluster,
  DEFAULT_CPUS,
  DEFAULT_DISK_BYTES,
  DEFAULT_KUBERNETES_MEMORY_MIB,
  DEFAULT_MEMORY_MIB,
  DEFAULT_WAIT_TIMEOUT_MS,
} from '../../../cluster/create.js';
import { chooseHardware, FIRMWARE_KINDS, type FirmwareKind } from '../../../cluster/hardware.js';
import { checkMemory, DEFAULT_KUBERNETES_WAIT_TIMEOUT_MS } from '../../../cluster/kubernetes.js';
import { MAX_LAN_NODES } from '../../../cluster/lan.js';
import {
  DEFAULT_MACHINES,
  DISK_MODELS,
  type DiskModel,
  MACHINES,
  type MachineName,
  NETWORK_MODELS,
  type NetworkModel,
} from '../../../cluster/machines.js';
import { clustersDir } from '../../../cluster/paths.js';
import { checkClusterName } from '../../../cluster/state.js';
import { SOURCES as RELEASE_SOURCES } from '../../../kube/release.js';
import type { GlobalFlags } from '../../flags.js';
import { outputFormat } from '../../output.js';
import { interruptible } from './interruptible.js';
import { type ClusterIo, printResult } from './io.js';
import { type KubernetesFlags, kubernetesOf } from './kubernetes.js';
import { askVersion } from './probe.js';
import { progressLine } from './progress.js';
import { createdText } from './view-text.js';

/** stage0 refuses to go on with less (native/stage0/memory.cc, which counts what the kernel has left of it). */
const MINIMUM_MEMORY_MIB = 512;

const SECTOR_BYTES = 512;

const machineNames = Object.keys(MACHINES) as MachineName[];
const architectures = Object.keys(DEFAULT_MACHINES) as Architecture[];

interface CreateFlags extends KubernetesFlags {
  name: string;
  controlplanes: number;
  workers: number;
  arch?: Architecture;
  memory?: number;
  cpus: number;
  diskSize: number;
  machine?: MachineName;
  disk?: DiskModel;
  network?: NetworkModel;
  firmware: FirmwareKind;
  waitTimeout?: number;
  layer?: 'test';
  configDisk: boolean;
  extraKernelArgs: string[];
}

/** Whole numbers from a minimum on. */
function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (text === '' || !Number.isInteger(value) || value < minimum || value > maximum) {
      const bound = maximum === Number.MAX_SAFE_INTEGER ? `${minimum} at least` : `from ${minimum} to ${maximum}`;
      throw new InvalidArgumentError(`it must be a whole number, ${bound}.`);
    }
    return value;
  };
}

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value <= 0) throw new InvalidArgumentError('it must be a duration such as 90s or 5m.');
  return value;
}

function diskSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0 || (bytes !== undefined && bytes >= GIB && bytes % SECTOR_BYTES === 0)) return bytes;
  throw new InvalidArgumentError('it must be a size such as 10GiB, 1GiB at least, or 0 for no disk.');
}

/** `osctl cluster create`: makes a local cluster of nodes in QEMU and waits until their APIs answer. */
export function clusterCreateCommand(io: ClusterIo): Command {
  return new Command('create')
    .description('make a local cluster: nodes in QEMU, one unless more are asked for')
    .option('--name <name>', 'name of the cluster', 'talos')
    .option('--controlplanes <n>', 'how many control planes', wholeNumber(1, MAX_LAN_NODES / 2), 1)
    .option('--workers <n>', 'how many workers, which join by a control plane', wholeNumber(0, MAX_LAN_NODES / 2), 0)
    .addOption(new Option('--arch <arch>', 'architecture of the nodes (default: amd64)').choices(architectures))
    .option(
      '--memory <MiB>',
      `memory of each node (default: ${DEFAULT_MEMORY_MIB}; control planes with Kubernetes: ${DEFAULT_KUBERNETES_MEMORY_MIB})`,
      wholeNumber(MINIMUM_MEMORY_MIB),
    )
    .option('--cpus <n>', 'processors of each node', wholeNumber(1), DEFAULT_CPUS)
    .addOption(
      new Option('--disk-size <size>', 'size of its disk, which takes what is written to it; 0 for none')
        .argParser(diskSize)
        .default(DEFAULT_DISK_BYTES, `${DEFAULT_DISK_BYTES / GIB}GiB`),
    )
    .addOption(new Option('--machine <type>', "QEMU's machine (default: q35, or virt for arm64)").choices(machineNames))
    .addOption(new Option('--disk <model>', 'how its disks are attached (default: virtio-blk)').choices(DISK_MODELS))
    .addOption(new Option('--network <model>', 'its network card (default: virtio-net)').choices(NETWORK_MODELS))
    .addOption(
      new Option('--firmware <kind>', 'who starts the kernel').choices(FIRMWARE_KINDS).default(FIRMWARE_KINDS[0]),
    )
    .addOption(
      new Option(
        '--wait-timeout <duration>',
        `how long to wait for the API (default: ${inMinutes(DEFAULT_WAIT_TIMEOUT_MS)}), and then for Kubernetes (default: ${inMinutes(DEFAULT_KUBERNETES_WAIT_TIMEOUT_MS)})`,
      ).argParser(duration),
    )
    .option(
      '--runtime <name>',
      'container runtime of the nodes (default: containerd-1.7, or what their Kubernetes runs on)',
    )
    .option('--kubernetes <version>', 'begin a Kubernetes cluster of this version, and wait until its nodes are Ready')
    .addOption(
      new Option(
        '--kubernetes-source <source>',
        'where its programs and images come from (default: the first that the version has)',
      ).choices(RELEASE_SOURCES),
    )
    .option('--kubernetes-directory <folder>', 'the folder of the source directory')
    .option('--extra-kernel-args <args>', 'more kernel arguments, separated by blanks', splitWords, [])
    .addOption(new Option('--layer <name>', 'layer on top of the shipped image').choices(['test']).hideHelp())
    .addOption(new Option('--no-config-disk', 'leave the config disk unplugged').hideHelp())
    .action(async (flags: CreateFlags, command: Command) => {
      // Whoever mistyped it would wait for a cluster, and not get what was asked for.
      outputFormat(command);
      const progress = progressLine(io.stderr);
      try {
        const { machine, disk, network, firmware, layer, runtime } = flags;
        const hardware = { arch: flags.arch, machine, disk, network, firmware };
        // Before anything is built for it.
        const arch = MACHINES[chooseHardware(hardware).machine].architecture;
        await checkClusterName(clustersDir(io.env), flags.name);
        const kubernetes = await kubernetesOf(flags);
        checkMemory({ kubernetes: kubernetes?.options, memoryMib: flags.memory });
        const onProgress = progress.update;
        const image = { arch, layer, runtime, kubernetes: kubernetes?.request };
        const files = await buildBootFiles({ ...image, firmware, onProgress });
        const create = (signal: AbortSignal) =>
          createCluster({
            ...files,
            ...hardware,
            kubernetes: kubernetes?.options,
            name: flags.name,
            controlPlanes: flags.controlplanes,
            workers: flags.workers,
            cpus: flags.cpus,
            memoryMib: flags.memory,
            diskBytes: flags.diskSize,
            extraKernelArguments: flags.extraKernelArgs,
            withConfigDisk: flags.configDisk,
            waitTimeoutMs: flags.waitTimeout,
            probe: askVersion,
            environment: io.env,
            talosconfig: (command.optsWithGlobals() as GlobalFlags).talosconfig,
            onProgress,
            signal,
          });
        const state = await interruptible(create);
        progress.end();
        printResult(io, command, state, createdText(state));
      } finally {
        progress.end();
      }
    });
}

function inMinutes(durationMs: number): string {
  return `${durationMs / MINUTE_MS}m`;
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
