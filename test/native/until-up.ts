import type { NetlinkModule } from '../../lib/native/contract.js';

/** Waits until the links are up as the kernel's own, deferred bookkeeping has it, and what follows from that has happened. */
export async function untilUp(netlink: NetlinkModule, names: string[]): Promise<void> {
  const areUp = () =>
    names.every((name) => netlink.link.list().some((link) => link.name === name && link.operState === 'up'));
  await new Promise<void>((resolve, reject) => {
    const monitor = netlink.subscribe({
      kinds: ['link'],
      onEvents: () => {
        if (!areUp()) return;
        monitor.close();
        resolve();
      },
      onError: reject,
    });
  });
}
