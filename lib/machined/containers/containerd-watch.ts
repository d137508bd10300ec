import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSignals } from '../../base/abort.js';
import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';

/** What is asked of containerd here; a fake in tests. */
export interface HealthProbe {
  /** @throws when nobody answers */
  version(timeoutMs: number): Promise<string>;
  isServing(timeoutMs: number): Promise<boolean>;
}

export interface WatchOptions {
  socketPath: string;
  /** Called once there is a socket: the client is loaded with it, and a node that boots has other things to do. */
  connect(): Promise<HealthProbe>;
  report(healthy: boolean, message: string): void;
  /** It does not answer, and has not since we look. Not while it may still be starting. */
  silent?(): Promise<void>;
  /** It answers for the first time. */
  answered?(): Promise<void>;
  /** It may take this long to start. */
  patienceMs?: number;
  /** Between two looks. */
  intervalMs?: { healthy: number; unhealthy: number };
}

const ANSWER_MS = 10 * SECOND_MS;
const PATIENCE_MS = 10 * SECOND_MS;
const INTERVAL_MS = { healthy: 10 * SECOND_MS, unhealthy: SECOND_MS };

/** Looks after containerd: whether it answers on its socket. Whoever needs it waits here until it does. */
export class ContainerdWatch {
  private isHealthy = false;
  private waiting: (() => void)[] = [];
  private hurry = () => {};

  constructor(private readonly options: WatchOptions) {}

  /** Resolves when containerd answers; at once if it did the last time. Rejects with the reason of the signal. */
  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.isHealthy) return;
    await new Promise<void>((resolve, reject) => {
      const stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      this.waiting.push(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  /** A call has failed because nobody listens: looks again at once. */
  lost(): void {
    this.isHealthy = false;
    this.hurry();
  }

  /** Goes on until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { socketPath, connect, intervalMs = INTERVAL_MS, patienceMs = PATIENCE_MS } = this.options;
    const startMs = performance.now();
    let probe: HealthProbe | undefined;
    let wasSeen = false;
    while (!signal.aborted) {
      if (probe === undefined && existsSync(socketPath)) probe = await connect();
      if (probe !== undefined) {
        const { healthy, message } = await look(probe);
        // While it starts for the first time there is nothing to tell.
        if (healthy || wasSeen) this.options.report(healthy, message);
        if (healthy && !wasSeen) await this.options.answered?.();
        wasSeen ||= healthy;
        this.isHealthy = healthy;
        if (healthy) for (const resolve of this.waiting.splice(0)) resolve();
      }
      if (!wasSeen && performance.now() - startMs > patienceMs) await this.options.silent?.();
      await this.pause(this.isHealthy ? intervalMs.healthy : intervalMs.unhealthy, signal);
    }
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    const early = new AbortController();
    this.hurry = () => early.abort();
    await withSignals([signal, early.signal], (ends) => sleep(ms, undefined, { signal: ends, ref: false })).catch(
      () => {},
    );
    this.hurry = () => {};
  }
}

async function look(probe: HealthProbe): Promise<{ healthy: boolean; message: string }> {
  try {
    const version = await probe.version(ANSWER_MS);
    if (!(await probe.isServing(ANSWER_MS))) return { healthy: false, message: `containerd ${version} is not serving` };
    return { healthy: true, message: `containerd ${version} answers on its socket` };
  } catch (error) {
    return { healthy: false, message: errorMessage(error) };
  }
}
