/** Calls about the etcd of this node. */
import { printable } from '../../base/printable.js';
import { wideNumber } from '../../base/wide-varint.js';
import { ControlError } from '../../control/errors.js';
import type { EtcdClient, EtcdMemberStatus } from '../../etcd/index.js';
import { WideReader, whole } from '../../etcd/wide-reader.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { askEtcd, type EtcdPlace } from '../kubernetes/ask-etcd.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

/** An id is random in all of its bits: the generated code would read another one. */
const removeMember = {
  path: api.EtcdRemoveMemberByID.path,
  requestDeserialize: (bytes: Buffer) =>
    whole(machine.EtcdRemoveMemberByIDRequest.decode(new WideReader(bytes)).memberId),
};

/** @param place  where etcd is; that of the node unless a test says otherwise */
export function etcdQueries(
  { config, log }: { config: Pick<QuerySources['config'], 'running'>; log: QuerySources['log'] },
  place?: EtcdPlace,
) {
  return {
    ...unary(api.EtcdMemberList, machine.EtcdMembers, async ({ queryLocal }, { signal }) => {
      const isAgreed = !queryLocal;
      const members = await askEtcd(config.running.config, (etcd) => etcd.members({ isAgreed }, signal), place);
      return {
        legacyMembers: members.map(({ name }) => name),
        members: members.map(({ id, name, ...more }) => ({ ...more, id: wideNumber(id), hostname: name })),
      };
    }),
    ...unary(removeMember, machine.EtcdRemoveMemberByID, async (id, { caller, signal }) => {
      const name = await askEtcd(config.running.config, (etcd) => remove(etcd, id, signal), place);
      log(
        `${caller} has removed the member ${idText(id)} of etcd (${name === '' ? 'without a name' : printable(name)})`,
      );
      return {};
    }),
    ...unary(api.EtcdStatus, machine.EtcdStatus, async (_request, { signal }) => ({
      memberStatus: statusOf(await askEtcd(config.running.config, (etcd) => etcd.status(signal), place)),
    })),
  };
}

/** @returns its name */
async function remove(etcd: EtcdClient, id: bigint, signal: AbortSignal): Promise<string> {
  const members = await etcd.members({ isAgreed: true }, signal);
  const member = members.find((each) => each.id === id);
  if (member === undefined) {
    const there = members.map((each) => `${idText(each.id)} (${printable(each.name)})`).join(', ');
    throw new ControlError('NOT_FOUND', `etcd has no member ${idText(id)}; there are ${there}`);
  }
  if (members.length === 1) {
    throw new ControlError('FAILED_PRECONDITION', 'this is the only member of etcd: without it there is no cluster');
  }
  await etcd.removeMember(id, signal);
  return member.name;
}

/** As etcd's own tools have it. */
function idText(id: bigint): string {
  return id.toString(16).padStart(16, '0');
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
