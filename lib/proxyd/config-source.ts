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
  /** Where names have led to: they do so until somebody says otherwise. */
  private known = new Map<string, string[]>();

  constructor(private readonly options: ConfigSourceOptions) {}

  /** The config, or machined, may be another one: it is asked at once. */
  refresh(): void {
    this.isOutdated = true;
    this.wake();
  }

  async follow(changed: (servers: readonly Address[]) => void, signal: AbortSignal): Promise<never> {
    const { refreshMs = REFRESH_MS, retryMs = RETRY_MS } = this.options;
    let told: string | undefined;
    let soonMs = retryMs;
    for (;;) {
      this.isOutdated = false;
      let pauseMs = refreshMs;
      try {
        const { servers, problem } = await this.ask();
        const text = JSON.stringify(servers);
        if (text !== told) changed(servers);
        told = text;
        this.tell(problem ?? '');
        if (problem !== undefined) pauseMs = soonMs;
        soonMs = problem === undefined ? retryMs : Math.min(soonMs * 2, refreshMs);
      } catch (error) {
        // What was known before is better than nothing.
        pauseMs = retryMs;
        this.tell(`the servers of the Kubernetes API are not known: ${errorMessage(error)}`);
      }
      await this.pause(pauseMs, signal);
    }
  }

  /** @returns `problem`: a name could not be looked up */
  private async ask(): Promise<{ servers: Address[]; problem: string | undefined }> {
    const { body, descriptors } = await (await this.options.machined()).request('describeApiServers', {});
    for (const descriptor of descriptors) descriptor.close();
    const before = this.known;
    this.known = new Map();
    const found = await Promise.all(
      body.servers.map(async ({ host, port, isFallback }) => {
        const { hosts, why } = await this.find(host, body.nameServers, before);
        return { why, servers: hosts.map((address) => ({ host: address, port, ...(isFallback && { isFallback }) })) };
      }),
    );
    const servers = found.flatMap((one) => one.servers);
    const leftOut = found.find((one) => one.servers.length === 0);
    if (leftOut && servers.length === 0) throw new Error(leftOut.why);
    const failed = leftOut ?? found.find(({ why }) => why !== undefined);
    const what = leftOut ? 'is left out' : 'is looked for where it was';
    return { servers, problem: failed && `a server of the Kubernetes API ${what}: ${failed.why}` };
  }

  /** @returns its addresses, those of before when nobody can say; none with a reason */
  private async find(
    host: string,
    nameServers: readonly string[],
    before: ReadonlyMap<string, string[]>,
  ): Promise<{ hosts: string[]; why?: string }> {
    if (isIP(host) !== 0) return { hosts: [host] };
    let why: string | undefined;
    const hosts = await this.options.resolve(host, nameServers).catch((error: unknown) => {
      why = errorMessage(error);
      return before.get(host) ?? [];
    });
    if (hosts.length > 0) this.known.set(host, hosts.sort());
    if (hosts.length === 0) why ??= `${host} has no address`;
    return { hosts, ...(why !== undefined && { why }) };
  }

  private async pause(durationMs: number, signal: AbortSignal): Promise<void> {
    const nap = new AbortController();
    this.wake = () => nap.abort();
    if (this.isOutdated) nap.abort();
    await withSignals([signal, nap.signal], (ends) => sleep(durationMs, undefined, { signal: ends })).catch(() =>
      signal.throwIfAborted(),
    );
  }

  /** Each reason once. @param problem  '': there is none any more */
  private tell(problem: string): void {
    if (problem !== '' && problem !== this.lastProblem) this.options.log(problem);
    this.lastProblem = problem;
  }
}
