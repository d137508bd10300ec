/**
 * Certificates of a node that has no CA key, a worker: trustd of any control plane issues them.
 *
 *   asked → (round: every endpoint, until one answers) → verified → done
 *                 ↑                      | none
 *                 └── back-off, jitter ──┘
 *
 * The back-off outlives who asks: a process that asks again at once does not make rounds more frequent. It is there for the control planes, so it stays short as long as
 * nobody listens: nodes that are started together wait for the first control plane, and are to notice it soon.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../../base/abort.js';
import { errorCode, errorMessage, TalosError } from '../../base/errors.js';
import { MINUTE_MS, SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import { parseCertificate, verifyCertificate } from '../../pki/index.js';
import type { NodeIdentity } from '../node-identity.js';
import { requestCertificate, type TrustEndpoint, type TrustReply, type TrustRequest } from './trust-client.js';

/** What is to be certified: both forms of one key. */
export interface KeyToCertify {
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array;
  /** PKCS #10, PEM. */
  signingRequest: Uint8Array;
}

export interface JoinOptions {
  /** Addresses of a name. */
  resolve(name: string): Promise<string[]>;
  /** To the log, and the console. */
  problem(text: string): void;
  request?: (endpoint: TrustEndpoint, request: TrustRequest, signal: AbortSignal) => Promise<TrustReply>;
  port?: number;
  firstDelayMs?: number;
  /** 0 to 1. */
  random?: () => number;
  now?: () => number;
}

/** Who asks, and for how long. */
export interface JoinCall {
  signal: AbortSignal;
  /** 0: as long as it takes. */
  deadlineMs: number;
}

const TRUST_PORT = 50001;
const FIRST_DELAY_MS = SECOND_MS / 2;
const MAX_DELAY_MS = MINUTE_MS / 2;
/** While no control plane listens; a try costs one of them a packet. */
const MAX_ABSENT_DELAY_MS = 2 * SECOND_MS;
/** The wait ends this much before the asker's own patience, so that it is told why. */
const MARGIN_MS = 500;

export class Join {
  private readonly request: NonNullable<JoinOptions['request']>;
  private readonly random: () => number;
  private readonly now: () => number;
  private delayMs = 0;
  private nextRoundMs = 0;
  private lastProblem = '';

  constructor(private readonly options: JoinOptions) {
    this.request = options.request ?? requestCertificate;
    this.random = options.random ?? Math.random;
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * Resolves with a certificate (PEM) for the key that this node's own authorities answer for.
   * @throws ControlError UNAVAILABLE  the asker's patience is over; with the reason of each endpoint
   */
  async certificate(identity: NodeIdentity, key: KeyToCertify, call: JoinCall): Promise<string> {
    let why = 'the control planes were not asked yet';
    const failed = (reason: string) => {
      why = reason;
    };
    const issued = await withDeadline(patienceMs(call), [call.signal], (patience) =>
      this.untilIssued(identity, key, patience, failed),
    );
    if (issued === undefined)
      throw new ControlError('UNAVAILABLE', `no control plane has issued a certificate: ${why}`);
    return issued;
  }

  /** @returns undefined when patience is over */
  private async untilIssued(
    identity: NodeIdentity,
    key: KeyToCertify,
    patience: AbortSignal,
    failed: (why: string) => void,
  ): Promise<string | undefined> {
    while (!patience.aborted) {
      try {
        await sleep(Math.max(this.nextRoundMs - this.now(), 0), undefined, { signal: patience });
        const certificate = await this.round(identity, key, patience);
        this.delayMs = 0;
        this.nextRoundMs = 0;
        this.lastProblem = '';
        return certificate;
      } catch (error) {
        if (patience.aborted) break;
        const why = errorMessage(error);
        failed(why);
        this.backOff(errorCode(error) === 'ERR_TRUST_ABSENT' ? MAX_ABSENT_DELAY_MS : MAX_DELAY_MS);
        this.tell(why);
      }
    }
    return undefined;
  }

  /** Every endpoint once, in an order of chance, so that they share the work. */
  private async round(identity: NodeIdentity, key: KeyToCertify, signal: AbortSignal): Promise<string> {
    const reasons: string[] = [];
    let isAnybodyThere = false;
    for (const endpoint of await this.endpoints(identity.controlPlaneHost)) {
      try {
        const request = { ...key, token: identity.token, authorities: identity.acceptedCas };
        const { certificate } = await this.request(endpoint, request, signal);
        checkCertificate(certificate, identity, key);
        return certificate;
      } catch (error) {
        signal.throwIfAborted();
        isAnybodyThere ||= errorCode(error) !== 'ERR_TRUST_ABSENT';
        const denied = errorCode(error) === 'ERR_TRUST_DENIED' ? ' (machine.token is not that of the cluster)' : '';
        reasons.push(`${endpoint.address} port ${endpoint.port}: ${errorMessage(error)}${denied}`);
      }
    }
    throw new TalosError(isAnybodyThere ? 'ERR_TRUST' : 'ERR_TRUST_ABSENT', reasons.join('; '));
  }

  private async endpoints(host: string): Promise<TrustEndpoint[]> {
    const port = this.options.port ?? TRUST_PORT;
    const addresses = isIP(host) === 0 ? await this.options.resolve(host) : [host];
    if (addresses.length === 0) throw new TalosError('ERR_TRUST', `${host} has no address`);
    const order = addresses.map((address) => ({ address, at: this.random() }));
    return order.sort((left, right) => left.at - right.at).map(({ address }) => ({ host, address, port }));
  }

  /** Twice as long each time; of that a part by chance, so that nodes that lost their control plane together do not come back together. */
  private backOff(maxDelayMs: number): void {
    const { firstDelayMs = FIRST_DELAY_MS } = this.options;
    this.delayMs = Math.min(Math.max(this.delayMs * 2, firstDelayMs), maxDelayMs);
    this.nextRoundMs = this.now() + this.delayMs * (0.5 + this.random() / 2);
  }

  /** Once for each reason: whoever stands before the node has to do something about it. */
  private tell(why: string): void {
    if (why !== this.lastProblem) this.options.problem(`no certificate from a control plane yet: ${why}`);
    this.lastProblem = why;
  }
}

/** How long to try, so that whoever waits is told just before he gives up. */
function patienceMs({ deadlineMs }: JoinCall): number {
  return deadlineMs === 0 ? Number.POSITIVE_INFINITY : deadlineMs - MARGIN_MS;
}

/** A control plane may err, or be none: what we show to our clients has to be what they expect. */
function checkCertificate(pem: string, { acceptedCas }: NodeIdentity, { publicKey }: KeyToCertify): void {
  let isOurs = false;
  try {
    isOurs = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }).equals(publicKey);
  } catch (cause) {
    throw new TalosError('ERR_TRUST', 'it sent no certificate', { cause });
  }
  if (!isOurs) throw new TalosError('ERR_TRUST', 'its certificate is for another key');
  const verdict = verifyCertificate({ certificate: pem, authorities: acceptedCas, usage: 'server', now: Date.now() });
  if (verdict.kind !== 'valid') throw new TalosError('ERR_TRUST', `its certificate is not valid here: ${verdict.kind}`);
  if (parseCertificate(pem).organizations.length > 0) throw new TalosError('ERR_TRUST', 'its certificate has roles');
}
