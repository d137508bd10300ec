import { ControlError } from '../../control/errors.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

/** The one call that makes a cluster: answered when it is written down that this node begins it, and not when it has. */
export function bootstrapQueries({ kubernetes, log }: Pick<QuerySources, 'kubernetes' | 'log'>) {
  return unary(api.Bootstrap, machine.Bootstrap, async ({ recoverEtcd }, { caller, signal }) => {
    if (recoverEtcd) {
      const text = 'this version cannot recover etcd from a snapshot: call Bootstrap without one';
      throw new ControlError('INVALID_ARGUMENT', text);
    }
    await kubernetes.bootstrap(signal);
    log(`${caller} has made this node the first control plane of its cluster`);
    return {};
  });
}
