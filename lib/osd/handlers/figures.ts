/** Figures of the machine that anybody on it may read: no other process is asked. */
import { status } from '@grpc/grpc-js';
import { errorCode, errorMessage } from '../../base/errors.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { cpuFrequencies } from '../../os/cpu-frequency.js';
import { hardwareDevices } from '../../os/hardware.js';
import { parseCpuInfo } from '../../os/proc/cpuinfo.js';
import { parseDiskStats, parseNetworkDevices } from '../../os/proc/devices.js';
import { parseMeminfo } from '../../os/proc/meminfo.js';
import { readKernelFile } from '../../os/proc/read.js';
import { parseLoadAverage, parseStat } from '../../os/proc/stat.js';
import type { OsdContext } from '../context.js';
import { RpcError } from '../status.js';

type Figure = (context: OsdContext) => Promise<{ messages: unknown[] }>;

/** Where the kernel's files are; elsewhere in tests. */
export interface KernelFolders {
  proc: string;
  sys: string;
}

/** The calls that are answered from /proc and /sys, by path. */
export function figureHandlers({ proc, sys }: KernelFolders = { proc: '/proc', sys: '/sys' }): Record<string, Figure> {
  return {
    ...figure(api.SystemStat, async () => parseStat(await readKernelFile(`${proc}/stat`))),
    ...figure(api.Memory, async () => ({ meminfo: parseMeminfo(await readKernelFile(`${proc}/meminfo`)) })),
    ...figure(api.LoadAvg, async () => parseLoadAverage(await readKernelFile(`${proc}/loadavg`))),
    ...figure(api.CPUInfo, async () => ({ cpuInfo: parseCpuInfo(await readKernelFile(`${proc}/cpuinfo`)) })),
    ...figure(api.CPUFreqStats, async () => ({ cpuFreqStats: await cpuFrequencies(`${sys}/devices/system/cpu`) })),
    ...figure(api.DiskStats, async () => {
      const [text, hardware] = await Promise.all([
        readKernelFile(`${proc}/diskstats`),
        hardwareDevices(`${sys}/block`),
      ]);
      return parseDiskStats(text, (name) => hardware.has(name));
    }),
    ...figure(api.NetworkDeviceStats, async () => {
      const [text, hardware] = await Promise.all([
        readKernelFile(`${proc}/net/dev`),
        hardwareDevices(`${sys}/class/net`),
      ]);
      return parseNetworkDevices(text, (name) => hardware.has(name));
    }),
  };
}

/** One entry of the table, typed by the call's response. */
function figure<Message>(
  definition: { path: string; responseSerialize(response: { messages?: Message[] | null }): Buffer },
  read: () => Promise<Omit<Message, 'metadata'>>,
): Record<string, Figure> {
  return {
    [definition.path]: async (context) => {
      try {
        return { messages: [{ metadata: { hostname: context.hostname() }, ...(await read()) }] };
      } catch (error) {
        if (errorCode(error) === undefined) throw error;
        // The path is the kernel's, and no secret.
        throw new RpcError(status.INTERNAL, `this kernel does not show it: ${errorMessage(error)}`, { cause: error });
      }
    },
  };
}
