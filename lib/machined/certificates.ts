import { errorCode, errorMessage } from '../base/errors.js';
import { DAY_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import type { RequestOf } from '../control/protocol.js';
import type { CallContext, HandlerResult } from '../control/server.js';
import { issueServerCertificate, parseCertificate } from '../pki/index.js';
import type { ClockGate } from './clock-gate.js';
import type { IdentityHolder, NodeIdentity } from './node-identity.js';
import type { ServerNames } from './server-names.js';

export interface CertificateContext {
  identity: IdentityHolder;
  /** Names of the node as they are now; `certSans` come from the config. */
  names(certSans: readonly string[]): ServerNames;
  /** Asks the control planes, on a node that has no CA key. */
  join(identity: NodeIdentity, key: KeyToCertify, call: Pick<CallContext, 'signal' | 'deadlineMs'>): Promise<string>;
  clock: Pick<ClockGate, 'pass'>;
  /** A certificate of a node that has no config was issued; PEM. */
  maintenanceIssued(certificate: string): void;
  log(text: string): void;
}

type KeyToCertify = RequestOf<'issueCertificate'>;

const LIFETIME_MS = DAY_MS;

/** Serves IssueCertificate, for processes of this node: the asker brings a public key and nothing else, all that is certified about it is decided here. */
export function certificateHandler({
  identity: holder,
  names,
  join,
  clock,
  maintenanceIssued,
  log,
}: CertificateContext) {
  return async (key: KeyToCertify, call: CallContext): Promise<HandlerResult<'issueCertificate'>> => {
    // Only osd has something to do on a node without a config.
    const identity = await holder.get(call.deadlineMs, call.signal, call.peer === 'osd');
    const { ca, acceptedCas, certSans, isMaintenance = false } = identity;
    if (key.publicKey.length === 0) throw new ControlError('INVALID_ARGUMENT', 'there is no public key in the request');
    const { notBefore, notAfter: caNotAfter } = parseCertificate(ca.crt);
    await clock.pass({ begins: notBefore.getTime(), ends: caNotAfter.getTime() }, call.signal);
    call.signal.throwIfAborted();
    const isJoining = ca.key === '';
    const pem = isJoining
      ? await join(identity, key, call)
      : await issue({ ca, publicKeyDer: key.publicKey, ...names(certSans), lifetimeMs: LIFETIME_MS });
    const { dnsNames, ipAddresses, notAfter } = parseCertificate(pem);
    const all = [...dnsNames, ...ipAddresses].join(', ');
    log(
      `${isJoining ? 'a control plane issued' : 'issued'} a certificate to ${call.peer} for ${all} until ${notAfter.toISOString()}`,
    );
    if (isMaintenance) maintenanceIssued(pem);
    return {
      body: {
        certificate: Buffer.from(pem),
        acceptedCas: Buffer.from(acceptedCas),
        notAfterMs: notAfter.getTime(),
        isMaintenance,
      },
    };
  };
}

/** A key that is none, or too weak, is the asker's fault; everything else is ours. */
export async function issue(options: Parameters<typeof issueServerCertificate>[0]): Promise<string> {
  try {
    return await issueServerCertificate(options);
  } catch (cause) {
    if (errorCode(cause) !== 'ERR_PKI_KEY') throw cause;
    throw new ControlError('INVALID_ARGUMENT', errorMessage(cause), { cause });
  }
}
