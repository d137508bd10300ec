/** etcd's own API v3, as far as it is asked about itself: https://etcd.io/docs/v3.5/dev-guide/api_reference_v3/ */
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { errorCode, errorMessage } from '../base/errors.js';
import { MIB, SECOND_MS } from '../base/units.js';
import { wideNumber } from '../base/wide-varint.js';
import { etcdserverpb } from '../gen/etcd/etcd.js';
import { ClusterDefinition, MaintenanceDefinition } from '../gen/etcd/service.js';
import { EtcdError, fromServiceError } from './errors.js';
import { WideReader, whole } from './wide-reader.js';

export interface EtcdClientOptions {
  /** Address of the member. */
  host: string;
  port: number;
  /** A name that its certificate is for, whatever the address. */
  serverName: string;
  /** PEM: the one authority that its certificate may be of. */
  ca: string;
  /** PEM. */
  certificate: string;
  key: string;
  /** Patience for one answer, the connection included. */
  timeoutMs?: number;
}

/** Numbers of 64 bits are whole. */
export interface EtcdMember {
  id: bigint;
  /** Empty before the member has started for the first time. */
  name: string;
  peerUrls: string[];
  clientUrls: string[];
  isLearner: boolean;
}

export interface EtcdMemberStatus {
  memberId: bigint;
  /** '3.4.23' */
  version: string;
  dbSizeBytes: bigint;
  dbSizeInUseBytes: bigint;
  /** Id of the leader; 0: it knows none. */
  leader: bigint;
  raftIndex: bigint;
  raftTerm: bigint;
  raftAppliedIndex: bigint;
  /** Alarms, and that there is no leader. */
  errors: string[];
  isLearner: boolean;
}

interface Method<Request> {
  path: string;
  requestSerialize(message: Request): Buffer;
}

const DEFAULT_TIMEOUT_MS = 10 * SECOND_MS;
/** A list of members has a few hundred bytes each. */
const MAX_MESSAGE_BYTES = MIB;

/** One member. Connects with the first call. */
export class EtcdClient {
  private readonly grpc: Client;
  private readonly timeoutMs: number;

  /** @throws EtcdError  certificates or key cannot be used */
  constructor(options: EtcdClientOptions) {
    const { host, port, serverName } = options;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.grpc = new Client(`${isIP(host) === 6 ? `[${host}]` : host}:${port}`, channelCredentials(options), {
      'grpc.ssl_target_name_override': serverName,
      'grpc.default_authority': serverName,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
    });
  }

  /**
   * All members.
   * @param isAgreed  the majority has to agree that this is the newest list; of etcd 3.4 it is what this member knows all the same
   * @throws EtcdError · the reason of the signal
   */
  async members({ isAgreed }: { isAgreed: boolean }, signal: AbortSignal): Promise<EtcdMember[]> {
    const { MemberListRequest, MemberListResponse } = etcdserverpb;
    const request = MemberListRequest.create({ linearizable: isAgreed });
    const decode = (bytes: Buffer) => MemberListResponse.decode(new WideReader(bytes));
    const { members } = await this.unary(ClusterDefinition.MemberList, request, decode, signal);
    return members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
      ...{ id: whole(id), name: name ?? '', isLearner: isLearner ?? false },
      ...{ peerUrls: peerUrls ?? [], clientUrls: clientUrls ?? [] },
    }));
  }

  /**
   * Takes a member out of the cluster, for good: the majority has to agree, and what is left has to have one.
   * @throws as `members`
   */
  async removeMember(id: bigint, signal: AbortSignal): Promise<void> {
    const { MemberRemoveRequest, MemberRemoveResponse } = etcdserverpb;
    const request = MemberRemoveRequest.create({ id: wideNumber(id) });
    const decode = (bytes: Buffer) => MemberRemoveResponse.decode(new WideReader(bytes));
    await this.unary(ClusterDefinition.MemberRemove, request, decode, signal);
  }

  /** How this member fares. @throws as `members` */
  async status(signal: AbortSignal): Promise<EtcdMemberStatus> {
    const { StatusRequest, StatusResponse } = etcdserverpb;
    const decode = (bytes: Buffer) => StatusResponse.decode(new WideReader(bytes));
    const answer = await this.unary(MaintenanceDefinition.Status, StatusRequest.create(), decode, signal);
    return {
      memberId: whole(answer.header?.memberId),
      version: answer.version,
      dbSizeBytes: whole(answer.dbSize),
      dbSizeInUseBytes: whole(answer.dbSizeInUse),
      leader: whole(answer.leader),
      raftIndex: whole(answer.raftIndex),
      raftTerm: whole(answer.raftTerm),
      raftAppliedIndex: whole(answer.raftAppliedIndex),
      errors: answer.errors,
      isLearner: answer.isLearner,
    };
  }

  /** Ends the connection; calls under way fail. */
  close(): void {
    this.grpc.close();
  }

  private unary<Request, Reply>(
    { path, requestSerialize }: Method<Request>,
    request: Request,
    decode: (bytes: Buffer) => Reply,
    signal: AbortSignal,
  ): Promise<Reply> {
    signal.throwIfAborted();
    return new Promise<Reply>((resolve, reject) => {
      const options = { deadline: Date.now() + this.timeoutMs };
      const call = this.grpc.makeUnaryRequest(
        path,
        requestSerialize,
        decode,
        request,
        new Metadata(),
        options,
        (error, reply) => {
          signal.removeEventListener('abort', cancel);
          if (signal.aborted) reject(signal.reason);
          else if (error !== null) reject(fromServiceError(error, path.slice(path.lastIndexOf('/') + 1)));
          else resolve(reply as Reply);
        },
      );
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }
}

function channelCredentials({ ca, certificate, key }: EtcdClientOptions) {
  try {
    const context = createSecureContext({ minVersion: 'TLSv1.2', ca, cert: certificate, key });
    return credentials.createFromSecureContext(context);
  } catch (error) {
    const why = errorCode(error) ?? errorMessage(error);
    throw new EtcdError('unreachable', `its certificates or key cannot be used (${why})`, error);
  }
}
