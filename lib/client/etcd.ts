/**
 * Calls about etcd. Its ids are random numbers of 64 bits, more than a number holds: what has 64 bits in members and their status is a bigint here.
 */
import { readWideVarint, wideNumber } from '../base/wide-varint.js';
import { type google, machine } from '../gen/machine/machine.js';
import { MachineServiceDefinition } from '../gen/machine/service.js';
import { Reader } from '../gen/runtime.js';
import type { Method } from './service.js';

/** A message without other messages in it, all of whose numbers have 64 bits. */
type Wide<Message> = {
  [Name in keyof Message as Message[Name] extends (...args: never[]) => unknown ? never : Name]: Message[Name] extends
    | number
    | null
    | undefined
    ? bigint
    : Message[Name];
};

export type EtcdMember = Wide<machine.EtcdMember>;
export type EtcdMemberStatus = Wide<machine.EtcdMemberStatus>;

/** What each answer of a node has, beside what it is about. */
type OfNode<Message extends { metadata?: unknown }, More> = { messages: (Pick<Message, 'metadata'> & More)[] };

/** Reads numbers of 64 bits as what they are. */
class WideReader extends Reader {
  override uint64(): never {
    return BigInt.asUintN(64, readWideVarint(this)) as never;
  }

  override int64(): never {
    return BigInt.asIntN(64, readWideVarint(this)) as never;
  }
}

const { EtcdMemberList, EtcdRemoveMemberByID, EtcdStatus } = MachineServiceDefinition;

export const EtcdService: {
  EtcdMemberList: Method<
    machine.EtcdMemberListRequest.$Properties,
    OfNode<machine.EtcdMembers, { members: EtcdMember[] }>
  >;
  EtcdRemoveMemberByID: Method<{ memberId: bigint }, machine.EtcdRemoveMemberByIDResponse>;
  EtcdStatus: Method<
    google.protobuf.Empty.$Properties,
    OfNode<machine.EtcdStatus, { memberStatus: EtcdMemberStatus | null }>
  >;
} = {
  EtcdMemberList: {
    ...EtcdMemberList,
    responseDeserialize: (bytes) => machine.EtcdMemberListResponse.decode(new WideReader(bytes)) as never,
  },
  EtcdRemoveMemberByID: {
    ...EtcdRemoveMemberByID,
    requestSerialize: ({ memberId }) => EtcdRemoveMemberByID.requestSerialize({ memberId: wideNumber(memberId) }),
  },
  EtcdStatus: {
    ...EtcdStatus,
    responseDeserialize: (bytes) => machine.EtcdStatusResponse.decode(new WideReader(bytes)) as never,
  },
};
