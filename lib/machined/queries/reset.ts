import { ControlError } from '../../control/errors.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const { WipeMode } = machine.ResetRequest;

/** Whether a reset can be what it asks to be. It is begun by osd, at init; this changes nothing. */
export function resetQueries({ disks }: Pick<QuerySources, 'disks'>) {
  return unary(api.Reset, machine.Reset, async ({ mode, systemPartitionsToWipe, userDisksToWipe }) => {
    const labels = systemPartitionsToWipe ?? [];
    const paths = userDisksToWipe ?? [];
    if (mode === WipeMode.SYSTEM_DISK && paths.length > 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode system-disk goes with no user disks');
    }
    if (mode === WipeMode.USER_DISKS && labels.length > 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode user-disks goes with no system partitions');
    }
    if (mode === WipeMode.USER_DISKS && paths.length === 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode user-disks needs the names of disks');
    }
    const [label] = labels;
    if (label) {
      const name = JSON.stringify(label.label ?? '');
      throw new ControlError('NOT_FOUND', `no system partition ${name}: nothing is installed on a disk of this node`);
    }
    await disks.check(paths);
    return {};
  });
}
