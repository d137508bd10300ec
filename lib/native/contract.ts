/**
 * The shape of `talos.node`, the one Node-API addon: one member per domain, each typed in a file of contract/ and nowhere else.
 *
 * Rules that hold for every member (DESIGN: contracts, errors):
 * - A failed system call becomes an `Error` of Node's own shape: `code` ('EBUSY'), negative `errno`, `syscall`, and `path`/`dest`
 *   where there are any. Synchronous calls throw it, promises reject with it.
 * - Arguments are validated by the wrappers in lib/native before any call; the addon asserts.
 * - A file descriptor never travels as a number: it is a `FileDescriptor`, owned by exactly one side.
 * - Calls are synchronous only if they cannot sleep on a device, a network or another process.
 */
import type { BlockModule } from './contract/block.js';
import type { CgroupModule } from './contract/cgroup.js';
import type { ChannelModule } from './contract/channel.js';
import type { ClockModule } from './contract/clock.js';
import type { DescriptorModule } from './contract/descriptor.js';
import type { DhcpModule } from './contract/dhcp.js';
import type { FilesModule } from './contract/files.js';
import type { KmsgModule } from './contract/kmsg.js';
import type { MountModule } from './contract/mount.js';
import type { NetlinkModule } from './contract/netlink.js';
import type { PowerModule } from './contract/power.js';
import type { ProcessModule } from './contract/process.js';
import type { RelayModule } from './contract/relay.js';
import type { RingModule } from './contract/ring.js';

export type * from './contract/block.js';
export type * from './contract/cgroup.js';
export type * from './contract/channel.js';
export type * from './contract/clock.js';
export type * from './contract/descriptor.js';
export type * from './contract/dhcp.js';
export type * from './contract/files.js';
export type * from './contract/kmsg.js';
export type * from './contract/mount.js';
export type * from './contract/netlink.js';
export type * from './contract/power.js';
export type * from './contract/process.js';
export type * from './contract/process-table.js';
export type * from './contract/relay.js';
export type * from './contract/ring.js';
export type * from './contract/seccomp.js';

export interface NativeAddon {
  block: BlockModule;
  cgroup: CgroupModule;
  channel: ChannelModule;
  clock: ClockModule;
  descriptor: DescriptorModule;
  dhcp: DhcpModule;
  files: FilesModule;
  kmsg: KmsgModule;
  mount: MountModule;
  netlink: NetlinkModule;
  power: PowerModule;
  process: ProcessModule;
  relay: RelayModule;
  ring: RingModule;
}
