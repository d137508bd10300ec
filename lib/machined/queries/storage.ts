import { errorMessage } from '../../base/errors.js';
import { ControlError } from '../../control/errors.js';
import type { WipeMethod } from '../../control/protocol.js';
import { storage } from '../../gen/machine/machine.js';
import { StorageServiceDefinition as api } from '../../gen/machine/service.js';
import { type Disk, listDisks, systemDevices } from '../../os/disks.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const { Method } = storage.BlockDeviceWipeDescriptor;
const METHODS = { [Method.FAST]: 'FAST', [Method.ZEROES]: 'ZEROES' } as const;

/** Calls about the disks. */
export function storageQueries({ native, blockd, disks, log }: QuerySources) {
  /** By blockd. Without it, as before there is a config, what sysfs says can be read here as well: whoever looks for a disk is not left without an answer. */
  async function list(): Promise<Disk[]> {
    const system = systemDevices(native.mount.mountInfo());
    try {
      return await blockd.listDisks(system);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      if (error.kind !== 'UNAVAILABLE') log(`blockd did not list the disks: ${errorMessage(error)}`);
      return await listDisks(system);
    }
  }

  return {
    ...unary(api.Disks, storage.Disks, async () => {
      const found = await list();
      return { disks: found.map((disk) => ({ ...disk, type: storage.Disk.DiskType[disk.type] })) };
    }),
    ...unary(api.BlockDeviceWipe, storage.BlockDeviceWipe, async ({ devices }, { caller }) => {
      const named = (devices ?? []).map(({ device, method, dropPartition }) => {
        const how = METHODS[(method ?? Method.FAST) as keyof typeof METHODS];
        if (how === undefined) throw new ControlError('INVALID_ARGUMENT', `no method ${method}`);
        if (dropPartition) throw new ControlError('INVALID_ARGUMENT', 'partitions are wiped here, not dropped');
        return { name: (device ?? '').replace(/^\/dev\//, ''), method: how };
      });
      const wanted = inOrder(named);
      if (wanted.length === 0) throw new ControlError('INVALID_ARGUMENT', 'no devices are named');
      log(`${caller} wipes ${wanted.map(({ name, method }) => `${name} (${method})`).join(', ')}`);
      await disks.wipeDevices(wanted);
      return {};
    }),
  };
}

/**
 * Each device once, zeroed if that was asked at all. Partitions come before their disk, whose name theirs begin with: with its table they are gone.
 */
function inOrder(named: readonly { name: string; method: WipeMethod }[]): { name: string; method: WipeMethod }[] {
  const methods = new Map<string, WipeMethod>();
  for (const { name, method } of named) if (methods.get(name) !== 'ZEROES') methods.set(name, method);
  const wanted = [...methods].map(([name, method]) => ({ name, method }));
  return wanted.sort((left, right) => right.name.length - left.name.length);
}
