import { Command, InvalidArgumentError } from 'commander';
import { formatBytes } from '../../base/units.js';
import type { EtcdMember, EtcdMemberStatus } from '../../client/index.js';
import type { Io } from '../io.js';

const MEMBERS_EXAMPLES = `
Examples:
  osctl etcd members -n 10.5.0.2
  osctl etcd members --local -n 10.5.0.2,10.5.0.3      what each of them knows, without the others
`;

const STATUS_EXAMPLES = `
Examples:
  osctl etcd status -n 10.5.0.2,10.5.0.3,10.5.0.4
  osctl etcd status -o json
`;

const REMOVE_EXAMPLES = `
For a control plane that does not come back: as long as its member is counted, fewer of the others may fail. One that runs is taken out by \`osctl reset\`. Any other
control plane can be asked, and the majority has to agree.

Examples:
  osctl etcd members -n 10.5.0.2
  osctl etcd remove-member 8e9e05c52164694d -n 10.5.0.2
`;

/** `osctl etcd …`: etcd of control planes. */
export function etcdCommand(io: Io): Command {
  return new Command('etcd')
    .description('look at etcd, on control planes, and remove members of it')
    .addCommand(membersCommand(io))
    .addCommand(removeMemberCommand(io))
    .addCommand(statusCommand(io));
}

function membersCommand(io: Io): Command {
  return new Command('members')
    .description('list the members of etcd')
    .option('--local', 'what the node itself knows, without asking the others')
    .addHelpText('after', MEMBERS_EXAMPLES)
    .action(async (flags: { local?: boolean }, command: Command) => {
      const { EtcdService, onlyMessage } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      const request = { queryLocal: flags.local ?? false };
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) => {
          const { members } = onlyMessage(await client.unary(EtcdService.EtcdMemberList, request, { node }), name);
          return members.map(memberView);
        },
        header: ['ID', 'HOSTNAME', 'PEER URLS', 'CLIENT URLS', 'LEARNER'],
        cells: ({ id, hostname, peerUrls, clientUrls, isLearner }) => [
          ...[id, hostname, peerUrls.join(','), clientUrls.join(','), String(isLearner)],
        ],
      });
    });
}

function removeMemberCommand(io: Io): Command {
  return new Command('remove-member')
    .description('take a member out of etcd that does not come back')
    .argument('<id>', 'as `osctl etcd members` shows it', memberId)
    .addHelpText('after', REMOVE_EXAMPLES)
    .action(async (id: bigint, _flags: object, command: Command) => {
      const { EtcdService, onlyMessage } = await import('../../client/index.js');
      const { outputFormat, printResult } = await import('../output.js');
      const { onlyTarget, withSession } = await import('../session.js');
      const format = outputFormat(command);
      await withSession(command, io, async (session) => {
        const { name, node } = onlyTarget(session, 'etcd remove-member');
        onlyMessage(await session.client.unary(EtcdService.EtcdRemoveMemberByID, { memberId: id }, { node }), name);
        io.stderr.write(`${name}: the member ${idText(id)} of etcd is removed\n`);
        printResult(io, format, { node: name, member: idText(id) }, () => '');
      });
    });
}

function memberId(text: string): bigint {
  if (/^[0-9a-f]{1,16}$/i.test(text)) return BigInt(`0x${text}`);
  throw new InvalidArgumentError('it has up to 16 hexadecimal digits.');
}

function statusCommand(io: Io): Command {
  return new Command('status')
    .description('show how etcd fares on each node')
    .addHelpText('after', STATUS_EXAMPLES)
    .action(async (_flags: object, command: Command) => {
      const { EtcdService, onlyMessage } = await import('../../client/index.js');
      const { printNodeList } = await import('../node-list.js');
      await printNodeList(command, io, {
        ask: async ({ client }, { name, node }) => {
          const { memberStatus } = onlyMessage(await client.unary(EtcdService.EtcdStatus, {}, { node }), name);
          return memberStatus === null ? [] : [statusView(memberStatus)];
        },
        header: ['MEMBER', 'DB SIZE', 'IN USE', 'LEADER', 'RAFT INDEX', 'RAFT TERM', 'APPLIED', 'LEARNER', 'ERRORS'],
        cells: (view) => [
          ...[view.member, formatBytes(view.dbSizeBytes), formatBytes(view.dbSizeInUseBytes), view.leader],
          ...[view.raftIndex, view.raftTerm, view.raftAppliedIndex].map(String),
          ...[String(view.isLearner), view.errors.join('; ')],
        ],
      });
    });
}

function memberView({ id, hostname, peerUrls, clientUrls, isLearner }: EtcdMember) {
  return { id: idText(id), hostname, peerUrls, clientUrls, isLearner };
}

function statusView(status: EtcdMemberStatus) {
  const { protocolVersion, isLearner, errors } = status;
  return {
    member: idText(status.memberId),
    leader: idText(status.leader),
    dbSizeBytes: Number(status.dbSize),
    dbSizeInUseBytes: Number(status.dbSizeInUse),
    raftIndex: Number(status.raftIndex),
    raftTerm: Number(status.raftTerm),
    raftAppliedIndex: Number(status.raftAppliedIndex),
    isLearner,
    protocolVersion,
    errors,
  };
}

/** As etcd's own tools have it. */
function idText(id: bigint): string {
  return BigInt(id).toString(16).padStart(16, '0');
}
