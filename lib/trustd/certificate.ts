import { type handleUnaryCall, type Metadata, status } from '@grpc/grpc-js';
import { errorCode, errorMessage } from '../base/errors.js';
import type { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import type { securityapi } from '../gen/security/security.js';
import { readKeyRequest } from '../pki/key-request.js';
import { plainAddress } from '../server/peer-address.js';
import { addressOf } from '../server/stranger-gate.js';

export interface CertificateContext {
  machined: () => Promise<Pick<ControlClient, 'request'>>;
  log: (line: string) => void;
}

/** Of the call's metadata: how a node that joins shows that it may. */
const TOKEN_METADATA = 'token';
const MAX_TOKEN_LENGTH = 64;
/** machined has the config at hand, or there is none. */
const ISSUE_DEADLINE_MS = 5000;

/** A call that fails, with what its client is told. */
class Refusal extends Error {
  constructor(
    readonly code: status,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

type Handler = handleUnaryCall<securityapi.CertificateRequest, securityapi.CertificateResponse.$Shape>;

/**
 * Certificate: reads the public key out of the request and has machined certify it, for the address that the connection comes from. What
 * else the request says is not looked at. Whether the token is right is for machined to say: this process does not know it.
 */
export function certificateHandler({ machined, log }: CertificateContext): Handler {
  return async (call, callback) => {
    try {
      const token = tokenOf(call.metadata);
      const address = plainAddress(addressOf(call.getPeer()));
      const publicKey = readKey(call.request.csr ?? new Uint8Array());
      const { body, descriptors } = await (await machined()).request(
        'issueNodeCertificate',
        { publicKey, address, token },
        { deadlineMs: ISSUE_DEADLINE_MS },
      );
      for (const descriptor of descriptors) descriptor.close();
      callback(null, { ca: body.acceptedCas, crt: body.certificate });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code === status.INTERNAL) log(`Certificate failed: ${error instanceof Error ? error.stack : error}`);
      callback({ code: refusal.code, details: refusal.message });
    }
  };
}

function tokenOf(metadata: Metadata): string {
  const [token, ...others] = metadata.get(TOKEN_METADATA);
  if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN_LENGTH || others.length > 0) {
    throw new Refusal(status.UNAUTHENTICATED, 'the call needs a token');
  }
  return token;
}

function readKey(csr: Uint8Array): Buffer {
  try {
    return readKeyRequest(csr);
  } catch (cause) {
    if (!/^ERR_PKI_/.test(errorCode(cause) ?? '')) throw cause;
    throw new Refusal(status.INVALID_ARGUMENT, errorMessage(cause), { cause });
  }
}

/** What machined says to people goes on; of anything else the client learns that it happened. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ControlError) {
    switch (error.kind) {
      case 'PERMISSION_DENIED':
        return new Refusal(status.UNAUTHENTICATED, error.message);
      case 'INVALID_ARGUMENT':
        return new Refusal(status.INVALID_ARGUMENT, error.message);
      case 'FAILED_PRECONDITION':
        return new Refusal(status.FAILED_PRECONDITION, error.message);
      case 'UNAVAILABLE':
      case 'DEADLINE_EXCEEDED':
      case 'RESOURCE_EXHAUSTED':
        return new Refusal(status.UNAVAILABLE, 'this node cannot issue certificates just now');
    }
  }
  return new Refusal(status.INTERNAL, 'internal error; the log of trustd has the cause');
}
