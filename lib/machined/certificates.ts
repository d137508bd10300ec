import { errorCode, errorMessage } from '../base/errors.js';
import { DAY_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import type { RequestOf } from '../control/protocol.js';
import type { CallContext, HandlerResult } from '../control/server.js';
import { issueServerCertificate, parseCertificate } from '../pki/index.js';
import type { IdentityHolder } from './node-identity.js';
import type { ServerNames } from './server-names.js';

export interface CertificateContext {
  identity: IdentityHolder;
  /** Names of the node as they are now; `certSans` come from the config. */
  names(certSans: readonly string[]): ServerNames;
  log(text: string): void;
}

const LIFETIME_MS = DAY_MS;

/** Serves IssueCertificate: the asker brings a public key and nothing else, all that is certified about it is decided here. */
export function certificateHandler({ identity, names, log }: CertificateContext) {
  return async (
    { publicKey }: RequestOf<'issueCertificate'>,
    { peer, signal, deadlineMs }: CallContext,
  ): Promise<HandlerResult<'issueCertificate'>> => {
    const { ca, acceptedCas, certSans } = await identity.get(deadlineMs, signal);
    if (publicKey.length === 0) throw new ControlError('INVALID_ARGUMENT', 'there is no public key in the request');
    const { dnsNames, ipAddresses } = names(certSans);
    const pem = await issue({
      ca,
      publicKeyDer: publicKey,
      dnsNames,
      ipAddresses,
      lifetimeMs: LIFETIME_MS,
    });
    const notAfter = parseCertificate(pem).notAfter;
    log(
      `issued a certificate to ${peer} for ${[...dnsNames, ...ipAddresses].join(', ')} until ${notAfter.toISOString()}`,
    );
    return {
      body: {
        certificate: Buffer.from(pem),
        acceptedCas: Buffer.from(acceptedCas),
        notAfterMs: notAfter.getTime(),
      },
    };
  };
}

/** A key that is none, or too weak, is the asker's fault; everything else is ours. */
async function issue(options: Parameters<typeof issueServerCertificate>[0]): Promise<string> {
  try {
    return await issueServerCertificate(options);
  } catch (cause) {
    if (errorCode(cause) !== 'ERR_PKI_KEY') throw cause;
    throw new ControlError('INVALID_ARGUMENT', errorMessage(cause), { cause });
  }
}
