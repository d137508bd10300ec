import { ControlError } from '../control/errors.js';

/** The part of the machine config that is still needed after it was read; everything else in it is dropped, secrets above all. */
export interface NodeIdentity {
  /** PEM. The key signs certificates and never leaves this process; '' on a node that asks others for its certificates. */
  ca: { crt: string; key: string };
  /** PEM: the CAs whose clients the API accepts. */
  acceptedCas: string;
  certSans: readonly string[];
  /** What a node shows that joins: here to a control plane, or there to us. */
  token: string;
  /** Name or address of the control planes. */
  controlPlaneHost: string;
  /** There is no machine config: made up for the time until one is brought, and for osd alone. */
  isMaintenance?: boolean;
}

/** The wait ends this much before the asker's own patience, so that it is told why. */
const MARGIN_MS = 500;
const MAX_WAIT_MS = 60_000;

/** Holds the identity once there is one; until then those who need it wait. */
export class IdentityHolder {
  private identity: NodeIdentity | undefined;
  private maintenance: NodeIdentity | undefined;
  private readonly waiters = new Set<{ takesMaintenance: boolean; arrive(identity: NodeIdentity): void }>();
  /** Why there is none, for whoever waits in vain. */
  private why = 'the machine config was not looked for yet';

  set(identity: NodeIdentity): void {
    this.identity = identity;
    this.maintenance = undefined;
    for (const { arrive } of [...this.waiters]) arrive(identity);
  }

  /** For those who can do with it, until there is the real one. */
  setMaintenance(identity: NodeIdentity): void {
    if (this.identity) return;
    this.maintenance = identity;
    for (const { takesMaintenance, arrive } of [...this.waiters]) if (takesMaintenance) arrive(identity);
  }

  /** @param why  one sentence, shown to those who wait */
  setMissing(why: string): void {
    this.why = why;
  }

  /**
   * @param deadlineMs  the asker's patience; 0 when it named none
   * @param signal  ends the wait without anybody listening any more
   * @param takesMaintenance  whether that of a node without a config will do
   * @throws ControlError FAILED_PRECONDITION  still none; with the reason
   */
  async get(deadlineMs: number, signal: AbortSignal, takesMaintenance = false): Promise<NodeIdentity> {
    if (this.identity) return this.identity;
    if (takesMaintenance && this.maintenance) return this.maintenance;
    const patienceMs = deadlineMs === 0 ? MAX_WAIT_MS : Math.min(Math.max(deadlineMs - MARGIN_MS, 0), MAX_WAIT_MS);
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.waiters.delete(waiter);
      };
      const waiter = {
        takesMaintenance,
        arrive: (identity: NodeIdentity) => {
          end();
          resolve(identity);
        },
      };
      const giveUp = () => {
        end();
        reject(new ControlError('FAILED_PRECONDITION', `this node has no machine config: ${this.why}`));
      };
      const timer = setTimeout(giveUp, patienceMs);
      signal.addEventListener('abort', giveUp);
      this.waiters.add(waiter);
    });
  }
}
