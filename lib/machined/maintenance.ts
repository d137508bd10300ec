/**
 * Maintenance mode: what a node does that has no machine config anywhere. osd serves the way to bring one, to anybody who can reach the node, with
 * a certificate of an authority that is made up here and forgotten with the process; the console tells how.
 *
 *   closed → (nothing was found, and nothing came for a moment) → open → (there is a config, wherever from) → closed for ever
 */
import { createHash, X509Certificate } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { errorMessage } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { ControlEvent } from '../control/protocol.js';
import type { IdentityHolder, NodeIdentity } from './node-identity.js';
import { reachableAddresses } from './server-names.js';

export interface MaintenanceOptions {
  identity: Pick<IdentityHolder, 'setMaintenance'>;
  /** To the console. */
  problem(text: string): void;
  /** Addresses of the node as they are now. */
  addresses?: () => string[];
  quietMs?: number;
}

/** Disks that the kernel finds late come within it; one of them may have the config. */
const QUIET_MS = 2 * SECOND_MS;
/** Shown, of an address each. */
const MAX_ADDRESSES = 4;

export class Maintenance {
  private state: 'closed' | 'open' | 'over' = 'closed';
  private timer: NodeJS.Timeout | undefined;
  private fingerprint: string | undefined;
  private isListening = false;
  private told = '';
  private hasOpened = false;

  constructor(private readonly options: MaintenanceOptions) {}

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** Strangers may have been let in since this process began. */
  get wasOpen(): boolean {
    return this.hasOpened;
  }

  /** A look has found nothing. @param isEmpty  not even something that cannot be used, which might be the node's own */
  missed(isEmpty: boolean): void {
    clearTimeout(this.timer);
    if (this.state !== 'closed' || !isEmpty) return;
    this.timer = setTimeout(() => void this.open(), this.options.quietMs ?? QUIET_MS);
  }

  /** There is a config. */
  end(): void {
    clearTimeout(this.timer);
    this.state = 'over';
  }

  /** osd has got this certificate. */
  issued(certificate: string): void {
    this.fingerprint = keyFingerprint(certificate);
    this.tell();
  }

  take(event: ControlEvent): void {
    if (event.kind === 'listening' && event.peer === 'osd') this.isListening = true;
    else if (event.kind !== 'networkChanged') return;
    this.tell();
  }

  private async open(): Promise<void> {
    try {
      const identity = await madeUpIdentity();
      if (this.state !== 'closed') return;
      this.state = 'open';
      this.hasOpened = true;
      this.options.identity.setMaintenance(identity);
    } catch (error) {
      this.options.problem(`a config cannot be brought over the network: ${errorMessage(error)}`);
    }
  }

  /** How to bring one, and at which addresses; again when they have changed. */
  private tell(): void {
    if (this.state !== 'open' || !this.isListening || this.fingerprint === undefined) return;
    const { addresses = () => reachableAddresses(networkInterfaces()) } = this.options;
    const list = addresses().slice(0, MAX_ADDRESSES);
    const [first] = list;
    const text =
      first === undefined
        ? 'maintenance mode: this node has no machine config, and no address to bring one to yet'
        : `maintenance mode: this node has no machine config and takes one at ${list.join(', ')}: osctl apply-config --insecure -n ${first} --cert-fingerprint '${this.fingerprint}' -f FILE`;
    if (text !== this.told) this.options.problem(text);
    this.told = text;
  }
}

/** SHA-256 of a certificate's public key (SubjectPublicKeyInfo), in base64: what clients of the machine API compare. */
export function keyFingerprint(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

async function madeUpIdentity(): Promise<NodeIdentity> {
  const { createCertificateAuthority } = await import('../pki/index.js');
  return {
    ca: await createCertificateAuthority(),
    acceptedCas: '',
    certSans: [],
    token: '',
    controlPlaneHost: '',
    isMaintenance: true,
  };
}
