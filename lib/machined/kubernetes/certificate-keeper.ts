import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../base/errors.js';
import { DAY_MS } from '../../base/units.js';
import type { Renewal } from './renewal.js';

export interface CertificateKeeperOptions {
  renew(): Promise<Renewal>;
  /** Has whoever read the certificates when it started read them again. @throws Error  one sentence */
  restart(signal: AbortSignal): Promise<void>;
  notice(text: string): void;
  problem(text: string): void;
  intervalMs?: number;
  /** From 0 to 1. */
  random?(): number;
}

/** Looks after the certificates of a control plane: at a boot, and each day from then on. */
export class CertificateKeeper {
  /** Those that run have the ones before: what they have been told. */
  private isRestartDue = false;

  constructor(private readonly options: CertificateKeeperOptions) {}

  /** Never rejects: what does not work is said, and done at the next look. */
  async look(signal: AbortSignal): Promise<void> {
    const { renew, restart, notice, problem } = this.options;
    try {
      const { renewed, problems } = await renew();
      for (const text of problems) problem(text);
      if (renewed.length > 0) notice(`certificates of the control plane are renewed: ${renewed.join(', ')}`);
      this.isRestartDue ||= renewed.length > 0;
      if (!this.isRestartDue) return;
      await restart(signal);
      this.isRestartDue = false;
    } catch (error) {
      if (!signal.aborted) problem(`certificates of the control plane cannot be renewed: ${errorMessage(error)}`);
    }
  }

  /** Until the signal. Control planes that were made together do not look, and start their servers again, at the same time. Never rejects. */
  async keep(signal: AbortSignal): Promise<void> {
    const { intervalMs = DAY_MS, random = Math.random } = this.options;
    for (let waitMs = intervalMs * random(); ; waitMs = intervalMs) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await this.look(signal);
    }
  }
}
