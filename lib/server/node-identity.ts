import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSignals } from '../base/abort.js';
import { errorMessage } from '../base/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../base/units.js';
import { createKeyRequest } from '../pki/key-request.js';
import { splitBundle, type TlsMaterial } from './tls-material.js';

/** What machined is shown: a public key (SubjectPublicKeyInfo, DER), and a signing request (PEM) by it, in case that another node has to be asked. */
export interface KeyToCertify {
  publicKey: Uint8Array;
  signingRequest: Uint8Array;
}

/** Asks machined for a certificate. */
export type Issue = (
  key: KeyToCertify,
) => Promise<{ certificate: Uint8Array; acceptedCas: Uint8Array; notAfterMs: number; isMaintenance?: boolean }>;

export interface IssuedMaterial extends TlsMaterial {
  notAfterMs: number;
  /** There is no machine config: no client has a certificate, and none is to be asked for. */
  isMaintenance: boolean;
}

/** While there is none yet, every moment counts: the node waits for its API. */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = SECOND_MS / 4;
const MAX_RENEWAL_RETRY_MS = MINUTE_MS;
/** A wall clock may jump past the moment of renewal: look at it again at least this often. */
const MAX_SLEEP_MS = HOUR_MS;

/**
 * The identity that a server of this node shows: a key of our own, made here and never leaving this process, and machined's certificate for it.
 *
 *   obtain → listening → (half of the lifetime has passed, or the node has other addresses) → a new key and certificate → listening → …
 */
export class NodeIdentity {
  private isOutdated = false;
  private wake = (): void => {};

  constructor(
    private readonly issue: Issue,
    private readonly log: (line: string) => void,
  ) {}

  /** Resolves with a certificate, however long machined takes to have a config. Rejects only with the reason of the abort. */
  async obtain(signal: AbortSignal, maxRetryMs = MAX_RETRY_MS): Promise<IssuedMaterial> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const toCertify = {
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      signingRequest: Buffer.from(createKeyRequest(privateKey)),
    };
    let lastReason = '';
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, maxRetryMs)) {
      try {
        const issued = await unlessAborted(this.issue(toCertify), signal);
        return {
          key,
          certificate: Buffer.from(issued.certificate).toString(),
          acceptedCas: issued.isMaintenance ? [] : splitBundle(Buffer.from(issued.acceptedCas).toString()),
          notAfterMs: issued.notAfterMs,
          isMaintenance: issued.isMaintenance ?? false,
        };
      } catch (error) {
        signal.throwIfAborted();
        const reason = errorMessage(error);
        if (reason !== lastReason) this.log(`no certificate yet: ${reason}`);
        lastReason = reason;
      }
      await sleep(delayMs, undefined, { signal });
    }
  }

  /** The certificate says what is no longer true: `keep` asks for another at once. */
  renewSoon(): void {
    this.isOutdated = true;
    this.wake();
  }

  /** Renews at half of the lifetime and when it has to, for ever. Rejects only with the reason of the abort. */
  async keep(
    current: IssuedMaterial,
    renewed: (material: IssuedMaterial) => void,
    signal: AbortSignal,
  ): Promise<never> {
    let material = current;
    for (;;) {
      await this.sleepUntil((Date.now() + material.notAfterMs) / 2, signal);
      this.isOutdated = false;
      material = await this.obtain(signal, MAX_RENEWAL_RETRY_MS);
      renewed(material);
      this.log(`renewed the certificate, valid until ${new Date(material.notAfterMs).toISOString()}`);
    }
  }

  private async sleepUntil(renewAtMs: number, signal: AbortSignal): Promise<void> {
    while (!this.isOutdated && Date.now() < renewAtMs) {
      const nap = new AbortController();
      this.wake = () => nap.abort();
      const durationMs = Math.min(renewAtMs - Date.now(), MAX_SLEEP_MS);
      await withSignals([signal, nap.signal], (ends) =>
        sleep(durationMs, undefined, { signal: ends, ref: false }),
      ).catch(() => signal.throwIfAborted());
    }
  }
}

/** Settles as the promise does, or rejects with the reason of the abort if that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
