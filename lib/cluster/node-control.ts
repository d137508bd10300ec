import { TalosError } from '../base/errors.js';
import { isRunning } from './process-identity.js';
import { QmpClient } from './qmp.js';
import type { NodeState } from './state.js';

/**
 * Connects to the QEMU of a node. The socket is reached through QEMU's working folder in /proc, because the path of
 * a socket may not exceed 107 bytes and that of a home folder may.
 * @throws TalosError ERR_NODE_STOPPED
 */
export async function connectQmp(node: NodeState): Promise<QmpClient> {
  if (!isRunning(node.process)) throw new TalosError('ERR_NODE_STOPPED', `node ${node.name} does not run`);
  return await QmpClient.connect(`/proc/${node.process.pid}/cwd/${node.qmpSocket}`);
}

async function withQmp<T>(node: NodeState, work: (qmp: QmpClient) => Promise<T>): Promise<T> {
  const qmp = await connectQmp(node);
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
}

/** Presses the power button: the guest is told by ACPI and may shut down in order. */
export async function pressPowerButton(node: NodeState): Promise<void> {
  await withQmp(node, (qmp) => qmp.execute('system_powerdown'));
}

/** Resets the machine as its reset button does; the guest is not asked. */
export async function resetNode(node: NodeState): Promise<void> {
  await withQmp(node, (qmp) => qmp.execute('system_reset'));
}

/**
 * Plugs a disk into a running node.
 * @param disk  `id`: name of the device, and its serial in the guest; `file`: raw image; `port`: `hotplug0` or `hotplug1`
 */
export async function plugDisk(
  node: NodeState,
  disk: { id: string; file: string; port?: 'hotplug0' | 'hotplug1'; readOnly?: boolean },
): Promise<void> {
  await withQmp(node, async (qmp) => {
    await qmp.execute('blockdev-add', {
      'node-name': disk.id,
      driver: 'raw',
      'read-only': disk.readOnly ?? true,
      file: { driver: 'file', filename: disk.file },
    });
    await qmp.execute('device_add', {
      driver: 'virtio-blk-pci',
      id: `device-${disk.id}`,
      drive: disk.id,
      serial: disk.id,
      bus: disk.port ?? 'hotplug0',
    });
  });
}

/** The guest has to let go of a device first; a healthy one does so within a second or two. */
const UNPLUG_TIMEOUT_MS = 60_000;

/**
 * Takes a disk out of a running node, and waits until the guest has let go of it.
 * @param id  as it was given to {@link plugDisk}
 * @throws TalosError ERR_QMP when there is no such disk; TimeoutError when the guest keeps it
 */
export async function unplugDisk(node: NodeState, id: string): Promise<void> {
  await withQmp(node, async (qmp) => {
    const device = `device-${id}`;
    const patience = AbortSignal.timeout(UNPLUG_TIMEOUT_MS);
    const gone = new Promise<void>((resolve, reject) => {
      patience.addEventListener('abort', () => reject(patience.reason));
      qmp.once('close', () => reject(new TalosError('ERR_QMP', 'QEMU closed the connection')));
      qmp.on('event', (name, data) => {
        if (name === 'DEVICE_DELETED' && data.device === device) resolve();
      });
    });
    await Promise.all([gone, qmp.execute('device_del', { id: device })]);
    await qmp.execute('blockdev-del', { 'node-name': id });
  });
}
