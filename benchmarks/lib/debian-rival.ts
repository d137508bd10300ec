/**
 * The system that ours is compared with: Debian trixie with systemd, sshd and containerd. It is spared what a node of ours does at each first boot: it
 * has its machine id and its host keys.
 */
import type { Architecture } from '../../lib/base/architecture.js';
import { NODE_NETWORK } from '../../lib/cluster/qemu-arguments.js';
import { type DebianRival, debianDisk } from './debian-disk.js';

/** What it writes to the console when both services have told systemd that they are ready. */
export const RIVAL_READY = 'rival: sshd and containerd are ready';

/** Port of containerd's API on the rival; the same as that of ours, so that QEMU forwards it. */
const CONTAINERD_PORT = 50000;

/** What every Debian here needs to be reached. */
export const NETWORK_FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'rival\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 1\n',
  'etc/systemd/network/10-node.network': [
    '[Match]',
    'Type=ether',
    '[Network]',
    `Address=${NODE_NETWORK.address}/24`,
    `Gateway=${NODE_NETWORK.gateway}`,
    '',
  ].join('\n'),
};

const FILES: Readonly<Record<string, string>> = {
  ...NETWORK_FILES,
  'etc/containerd/config.toml': `version = 2\n[grpc]\n  tcp_address = "0.0.0.0:${CONTAINERD_PORT}"\n`,
  'etc/systemd/system/rival-ready.service': [
    '[Unit]',
    'After=ssh.service containerd.service systemd-networkd.service',
    '[Service]',
    'Type=oneshot',
    `ExecStart=/bin/sh -c 'echo "${RIVAL_READY}" >/dev/console'`,
    '',
  ].join('\n'),
};

/** Made when it is not in the cache; as root only. @throws TalosError  as debianDisk */
export function debianRival(arch: Architecture, onProgress: (text: string) => void): Promise<DebianRival> {
  const enabled = {
    'rival-ready.service': '/etc/systemd/system',
    'systemd-networkd.service': '/usr/lib/systemd/system',
  };
  return debianDisk(
    { kind: `debian-rival-${arch}`, arch, packages: ['openssh-server'], files: FILES, enabled, size: '2G' },
    onProgress,
  );
}
