import { constants } from 'node:os';
import { isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import { createBlockModule, type RawBlockModule } from './block.js';
import { createCgroupModule, type RawCgroupModule } from './cgroup.js';
import { createChannelModule, type RawChannelModule } from './channel.js';
import { createClockModule, type RawClockModule } from './clock.js';
import type { DescriptorModule, NativeAddon } from './contract.js';
import { createDescriptorModule } from './descriptor.js';
import { createDhcpModule, type RawDhcpModule } from './dhcp.js';
import { createFilesModule, type RawFilesModule } from './files.js';
import { createKmsgModule, type RawKmsgModule } from './kmsg.js';
import { createMountModule, type RawMountModule } from './mount.js';
import { createNetlinkModule, type RawNetlinkModule } from './netlink.js';
import { createPowerModule, type RawPowerModule } from './power.js';
import { createProcessModule, type RawProcessModule } from './process.js';
import { createRelayModule, type RawRelayModule } from './relay.js';
import { createRingModule, type RawRingModule } from './ring.js';

/** `talos.node` before the checks and names of this folder are put around it. */
export interface RawAddon {
  descriptor: DescriptorModule;
  process: RawProcessModule;
  ring: RawRingModule;
  channel: RawChannelModule;
  clock: RawClockModule;
  dhcp: RawDhcpModule;
  mount: RawMountModule;
  block: RawBlockModule;
  cgroup: RawCgroupModule;
  files: RawFilesModule;
  kmsg: RawKmsgModule;
  netlink: RawNetlinkModule;
  power: RawPowerModule;
  relay: RawRelayModule;
}

/** Where the image has it: the only place that a process of a node ever looks at. */
export const IMAGE_ADDON_PATH = '/usr/lib/talos/talos.node';

/**
 * The one path the addon is loaded from. The executable of the image knows only its own; a checkout takes `$ADDON_PATH`, or
 * what cmake-js has built.
 */
export function addonPath(): string {
  if (isSea()) return IMAGE_ADDON_PATH;
  return process.env['ADDON_PATH'] ?? fileURLToPath(new URL('../../../cmake/Release/talos.node', import.meta.url));
}

let loaded: NativeAddon | undefined;

/**
 * Loads `talos.node`, once in a process.
 * @throws ERR_DLOPEN_FAILED it is missing or was built for something else
 */
export function loadNative(): NativeAddon {
  loaded ??= wrap(loadRaw(addonPath()));
  return loaded;
}

/** The addon as it is; for tests of the border itself. */
export function loadRaw(path: string): RawAddon {
  const holder: { exports: unknown } = { exports: {} };
  // All symbols now: a missing one must show at the start and not in the middle of the night.
  process.dlopen(holder, path, constants.dlopen.RTLD_NOW);
  return holder.exports as RawAddon;
}

function wrap(raw: RawAddon): NativeAddon {
  return {
    descriptor: createDescriptorModule(raw.descriptor),
    process: createProcessModule(raw.process),
    ring: createRingModule(raw.ring),
    channel: createChannelModule(raw.channel),
    clock: createClockModule(raw.clock),
    dhcp: createDhcpModule(raw.dhcp),
    mount: createMountModule(raw.mount),
    block: createBlockModule(raw.block),
    cgroup: createCgroupModule(raw.cgroup),
    files: createFilesModule(raw.files),
    kmsg: createKmsgModule(raw.kmsg),
    netlink: createNetlinkModule(raw.netlink),
    power: createPowerModule(raw.power),
    relay: createRelayModule(raw.relay),
  };
}
