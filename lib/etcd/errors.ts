import { type ServiceError, status } from '@grpc/grpc-js';
import { TalosError } from '../base/errors.js';
import { quoted } from '../base/printable.js';

/** 'unreachable': nobody answers, or he is not who he should be; 'refused': etcd says why. */
export type EtcdFailure = 'unreachable' | 'refused';

/** Of what etcd or gRPC says, in a sentence of ours. */
const MAX_SAID = 300;

export class EtcdError extends TalosError {
  constructor(
    readonly failure: EtcdFailure,
    message: string,
    cause?: unknown,
  ) {
    super('ERR_ETCD', message, { cause });
    this.name = 'EtcdError';
  }
}

/**
 * Of a call that failed. etcd begins what it says itself with its name: a member without a leader is UNAVAILABLE as well as one that does not run.
 * @param what  was asked: 'MemberList'
 */
export function fromServiceError(error: ServiceError, what: string): EtcdError {
  const said = error.details || error.message;
  const isFromEtcd = said.startsWith('etcdserver: ');
  const isSilence = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  const failure = isSilence && !isFromEtcd ? 'unreachable' : 'refused';
  return new EtcdError(failure, `${what}: ${quoted(said, MAX_SAID)}`, error);
}
