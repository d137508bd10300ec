import { ControlError } from '../control/errors.js';

/** The part of the machine config that is still needed after it was read; everything else in it is dropped, secrets above all. */
export interface NodeIdentity {
  /** PEM. The key signs certificates and never leaves this process. */
  ca: { crt: string; key: string };
  /** PEM: the CAs whose clients the API accepts. */
  acceptedCas: string;
  certSans: readonly string[];
}

/** The wait ends this much before the asker's own patience, so that it is told why. */
const MARGIN_MS = 500;
const MAX_WAIT_MS = 60_000;

/** Holds the identity once there is one; until then those who need it wait. */
export class IdentityHolder {
  private identity: NodeIdentity | undefined;
  private readonly waiters = new Set<(identity: NodeIdentity) => void>();
  /** Why there is none, for whoever waits in vain. */
  private why = 'the machine config was not looked for yet';

  set(identity: NodeIdentity): void {
    this.identity = identity;
    for (const resolve of this.waiters) resolve(identity);
    this.waiters.clear();
  }

  /** @param why  one sentence, shown to those who wait */
  setMissing(why: string): void {
    this.why = why;
  }

  /**
   * @param deadlineMs  the asker's patience; 0 when it named none
   * @param signal  ends the wait without anybody listening any more
   * @throws ControlError FAILED_PRECONDITION  still none; with the reason
   */
  async get(deadlineMs: number, signal: AbortSignal): Promise<NodeIdentity> {
    if (this.identity) return this.identity;
    const patienceMs = deadlineMs === 0 ? MAX_WAIT_MS : Math.min(Math.max(deadlineMs - MARGIN_MS, 0), MAX_WAIT_MS);
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.waiters.delete(arrive);
      };
      const arrive = (identity: NodeIdentity) => {
        end();
        resolve(identity);
      };
      const giveUp = () => {
        end();
        reject(new ControlError('FAILED_PRECONDITION', `this node has no machine config: ${this.why}`));
      };
      const timer = setTimeout(giveUp, patienceMs);
      signal.addEventListener('abort', giveUp);
      this.waiters.add(arrive);
    });
  }
}
