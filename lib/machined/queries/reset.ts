import { ControlError } from '../../control/errors.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { EPHEMERAL } from '../volumes/layout.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const { WipeMode } = machine.ResetRequest;

/**
 * Whether a reset can be what it asks to be. It is begun by osd, at init; this changes nothing of the node. One that takes the node's membership with it
 * has it leave its cluster, if it is to be graceful.
 */
export function resetQueries({ disks, volumes, kubernetes }: Pick<QuerySources, 'disks' | 'volumes' | 'kubernetes'>) {
  return unary(api.Reset, machine.Reset, async (request, { signal }) => {
    const { mode, systemPartitionsToWipe, userDisksToWipe, graceful } = request;
    const labels = systemPartitionsToWipe ?? [];
    const paths = userDisksToWipe ?? [];
    // One of a later API may spare what this version would wipe.
    if (WipeMode[mode ?? WipeMode.ALL] === undefined)
      throw new ControlError('INVALID_ARGUMENT', `no wipe mode ${mode}`);
    if (mode === WipeMode.SYSTEM_DISK && paths.length > 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode system-disk goes with no user disks');
    }
    if (mode === WipeMode.USER_DISKS && labels.length > 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode user-disks goes with no system partitions');
    }
    if (mode === WipeMode.USER_DISKS && paths.length === 0) {
      throw new ControlError('INVALID_ARGUMENT', 'wipe mode user-disks needs the names of disks');
    }
    await volumes.checkWipe(labels.flatMap(({ label, wipe }) => (wipe ? [label ?? ''] : [])));
    await disks.check(paths);
    const isOfMembership = labels.length === 0 || labels.some(({ label, wipe }) => wipe && label === EPHEMERAL.id);
    if (graceful && mode !== WipeMode.USER_DISKS && isOfMembership) await kubernetes.leave(signal);
    return {};
  });
}
