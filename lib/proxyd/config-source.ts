import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSignals } from '../base/abort.js';
import { errorMessage } from '../base/errors.js';
import { SECOND_MS } from '../base/units.js';
import type { ControlClient } from '../control/client.js';
import type { Address, BackendSource } from './backends.js';

export interface ConfigSourceOptions {
  machined: () => Promise<Pick<ControlClient, 'request'>>;
  /** Addresses of a name. */
  resolve(name: string, nameServers: readonly string[]): Promise<string[]>;
  log(line: string): void;
  refreshMs?: number;
  retryMs?: number;
}

/** Names may come to mean other addresses. */
const REFRESH_MS = 30 * SECOND_MS;
const RETRY_MS = SECOND_MS;

/** The servers that machined knows, from the machine config and from the Kubernetes API, with all addresses of those that are named by name. */
export class ConfigSource implements BackendSource {
  private wake = (): void => {};
  private isOutdated = false;
  private lastProblem = '';

  constructor(private readonly options: ConfigSourceOptions) {}

  /** The config, or machined, may be another one: it is asked at once. */
  refresh(): void {
    this.isOutdated = true;
    this.wake();
  }

  async follow(changed: (servers: readonly Address[]) => void, signal: AbortSignal): Promise<never> {
    const { refreshMs = REFRESH_MS, retryMs = RETRY_MS } = this.options;
    let known: string | undefined;
    for (;;) {
      this.isOutdated = false;
      let pauseMs = refreshMs;
      try {
        const servers = await this.ask();
        const text = JSON.stringify(servers);
        if (text !== known) changed(servers);
        known = text;
        this.lastProblem = '';
      } catch (error) {
        // What was known before is better than nothing.
        pauseMs = retryMs;
        this.tell(`the servers of the Kubernetes API are not known: ${errorMessage(error)}`);
      }
      await this.pause(pauseMs, signal);
    }
  }

  private async ask(): Promise<Address[]> {
    const { body, descriptors } = await (await this.options.machined()).request('describeApiServers', {});
    for (const descriptor of descriptors) descriptor.close();
    const found = await Promise.allSettled(
      body.servers.map(async ({ host, port, isFallback }) => {
        const hosts = isIP(host) === 0 ? await this.options.resolve(host, body.nameServers) : [host];
        return hosts.sort().map((address) => ({ host: address, port, ...(isFallback && { isFallback }) }));
      }),
    );
    const servers = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const failed = found.find((result) => result.status === 'rejected');
    if (failed && servers.length === 0) throw failed.reason;
    if (failed) this.tell(`a server of the Kubernetes API is left out: ${errorMessage(failed.reason)}`);
    return servers;
  }

  private async pause(durationMs: number, signal: AbortSignal): Promise<void> {
    const nap = new AbortController();
    this.wake = () => nap.abort();
    if (this.isOutdated) nap.abort();
    await withSignals([signal, nap.signal], (ends) => sleep(durationMs, undefined, { signal: ends })).catch(() =>
      signal.throwIfAborted(),
    );
  }

  /** Each reason once. */
  private tell(problem: string): void {
    if (problem !== this.lastProblem) this.options.log(problem);
    this.lastProblem = problem;
  }
}
