import { basename } from 'node:path';
import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import type { ControlClient } from '../../control/client.js';
import type { ControlEvent } from '../../control/protocol.js';
import type { NativeAddon, NetlinkModule } from '../../native/contract.js';
import { listBlockDevices } from '../../os/block-devices.js';
import { hardwareDevices } from '../../os/hardware.js';
import type { MachinedLog } from '../log.js';
import { EPHEMERAL, STATE } from './layout.js';
import { SpaceWatch } from './space-watch.js';
import { Volumes } from './volumes.js';

/** Those of this node, at their places. */
export function nodeVolumes(native: NativeAddon, log: Pick<MachinedLog, 'notice' | 'problem'>): Volumes {
  return new Volumes({
    block: native.block,
    files: native.files,
    mount: native.mount,
    devices: async () => {
      const [all, hardware] = await Promise.all([listBlockDevices(), hardwareDevices('/sys/block')]);
      const disks = [...hardware.keys()];
      return all.filter(({ name, isPartition }) =>
        isPartition ? disks.some((disk) => name.startsWith(disk)) : hardware.has(name),
      );
    },
    programs: async () => (await import('./programs.js')).filesystemPrograms,
    mountPoints: { STATE: STATE.mountPoint, EPHEMERAL: EPHEMERAL.mountPoint },
    notice: (text) => log.notice(text),
    problem: (text) => log.problem(text),
  });
}

/** Looks after the room on EPHEMERAL as long as the process lives: it is part of how machined, whose it is, fares. */
export function watchSpace(
  { mount }: Pick<NativeAddon, 'mount'>,
  init: Pick<ControlClient, 'request'>,
  log: Pick<MachinedLog, 'info' | 'problem'>,
): void {
  const watch = new SpaceWatch({
    space: () => mount.statfs(EPHEMERAL.mountPoint),
    tell(isFull, text) {
      log.problem(text);
      init
        .request('reportHealth', { healthy: !isFull, message: text, service: '' })
        .catch((error) => log.info(`init was not told: ${errorMessage(error)}`));
    },
  });
  void watch.run(new AbortController().signal);
}

/**
 * Lets EPHEMERAL follow its disk as long as the process lives: that of a virtual machine may become larger at any time. The kernel tells it
 * (a uevent of the disk with RESIZE=1); where events were lost, it is looked at.
 * @returns what ends it
 */
export function followDisk(
  netlink: Pick<NetlinkModule, 'monitorUevents'>,
  volumes: Pick<Volumes, 'diskName' | 'grow'>,
): { close(): void } {
  const monitor = netlink.monitorUevents({
    onUevent({ action, subsystem, devpath, properties }) {
      const isResize = action === 'change' && subsystem === 'block' && properties.RESIZE === '1';
      if (isResize && basename(devpath) === volumes.diskName) void volumes.grow();
    },
    onOverrun: () => void volumes.grow(),
  });
  // What came before we listened: another machined was here, or the boot was under way.
  void volumes.grow();
  return monitor;
}

/** The API may never listen; disks do not wait for it for ever. */
const PATIENCE_MS = 30 * SECOND_MS;

/**
 * Tells when osd listens: what needs disks and processors does not compete with the start of the API. There is nothing to compete with while osd has no certificate,
 * because no control plane is there that would issue one.
 */
export class ApiStart {
  private resolve = () => {};
  private readonly listening = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });

  take(event: ControlEvent): void {
    if (event.kind === 'listening' && event.peer === 'osd') this.resolve();
  }

  /** It waits for somebody else. */
  isHeldUp(): void {
    this.resolve();
  }

  /** Until it does, is held up, or has taken too long. */
  async wait(patienceMs = PATIENCE_MS): Promise<void> {
    const timer = setTimeout(this.resolve, patienceMs);
    await this.listening;
    clearTimeout(timer);
  }
}
