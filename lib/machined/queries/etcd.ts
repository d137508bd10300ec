/** Calls about the etcd of this node. */
import { wideNumber } from '../../base/wide-varint.js';
import type { EtcdMemberStatus } from '../../etcd/index.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { askEtcd, type EtcdPlace } from '../kubernetes/ask-etcd.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

/** @param place  where etcd is; that of the node unless a test says otherwise */
export function etcdQueries({ config }: { config: Pick<QuerySources['config'], 'running'> }, place?: EtcdPlace) {
  return {
    ...unary(api.EtcdMemberList, machine.EtcdMembers, async ({ queryLocal }, { signal }) => {
      const isAgreed = !queryLocal;
      const members = await askEtcd(config.running.config, (etcd) => etcd.members({ isAgreed }, signal), place);
      return {
        legacyMembers: members.map(({ name }) => name),
        members: members.map(({ id, name, ...more }) => ({ ...more, id: wideNumber(id), hostname: name })),
      };
    }),
    ...unary(api.EtcdStatus, machine.EtcdStatus, async (_request, { signal }) => ({
      memberStatus: statusOf(await askEtcd(config.running.config, (etcd) => etcd.status(signal), place)),
    })),
  };
}

function statusOf(status: EtcdMemberStatus): machine.EtcdMemberStatus.$Properties {
  return {
    memberId: wideNumber(status.memberId),
    protocolVersion: status.version,
    dbSize: wideNumber(status.dbSizeBytes),
    dbSizeInUse: wideNumber(status.dbSizeInUseBytes),
    leader: wideNumber(status.leader),
    raftIndex: wideNumber(status.raftIndex),
    raftTerm: wideNumber(status.raftTerm),
    raftAppliedIndex: wideNumber(status.raftAppliedIndex),
    errors: status.errors,
    isLearner: status.isLearner,
  };
}
