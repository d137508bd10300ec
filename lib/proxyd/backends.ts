/**
 * The servers that connections go to, and how they fare.
 *
 *   state      new connections                 established ones    left by
 *   unknown    when no server is up            -                   the first look
 *   up         yes                             stay                a refusal; so many failures in a row
 *   refusing   when no server is up            stay                a look that goes well; so many failures in a row
 *   dead       when no server is up            are reset           a look that goes well; a refusal
 *
 * A server that refuses has a host that lives, whose kernel ends what is to be ended: one that stops in order refuses new connections and
 * serves the others to their end. One that does not answer at all has nobody to end anything.
 */

/** Where a server is. */
export interface Address {
  /** IPv4 or IPv6. */
  host: string;
  port: number;
  /** Gets connections as long as no other one is up. */
  isFallback?: boolean;
}

/**
 * Who knows the servers: machined, from its config and from the Kubernetes API once there is a cluster (config-source.ts).
 * What it gives replaces what it gave before.
 */
export interface BackendSource {
  /** Calls back with all servers, at first and whenever they change, until the signal is aborted; rejects only with its reason. */
  follow(changed: (servers: readonly Address[]) => void, signal: AbortSignal): Promise<never>;
}

export type Health = 'unknown' | 'up' | 'refusing' | 'dead';

/** One server. */
export class Backend {
  health: Health = 'unknown';
  /** In a row. */
  failures = 0;
  /** No source names it any more: it gets no new connections. */
  isRetired = false;
  isFallback = false;
  /** Each ends one connection that goes to it. */
  readonly resets = new Set<() => void>();

  constructor(readonly address: Address) {}

  get name(): string {
    return nameOf(this.address);
  }
}

export interface BackendsOptions {
  /** Failures in a row after which a server is dead. */
  maxFailures: number;
  log(line: string): void;
  /** How a server fares has changed. */
  changed(): void;
}

/** All servers there are. */
export class Backends {
  private readonly byName = new Map<string, Backend>();
  private turn = 0;

  constructor(private readonly options: BackendsOptions) {}

  get all(): readonly Backend[] {
    return [...this.byName.values()];
  }

  get isAnyUp(): boolean {
    return this.all.some(({ health, isRetired }) => health === 'up' && !isRetired);
  }

  /** Replaces the servers; connections to those that are gone stay. */
  replace(addresses: readonly Address[]): void {
    // Of one that is named twice, that it is no fallback counts.
    const ranked = [...addresses].sort((left, right) => fallbackRank(right) - fallbackRank(left));
    const wanted = new Map(ranked.map((address) => [nameOf(address), address]));
    for (const [name, address] of wanted) {
      const known = this.byName.get(name);
      const backend = known ?? new Backend(address);
      backend.isRetired = false;
      backend.isFallback = address.isFallback ?? false;
      this.byName.set(name, backend);
      if (!known) this.options.log(`backend ${name}: new`);
    }
    for (const backend of this.all) {
      if (wanted.has(backend.name) || backend.isRetired) continue;
      backend.isRetired = true;
      this.options.log(`backend ${backend.name}: not named any more`);
      this.forgetIfDone(backend);
    }
  }

  /**
   * Those that a new connection is to try, the best first: those that are up, fallbacks behind the others, fewest connections first, in turn;
   * then all others.
   */
  order(): Backend[] {
    const named = this.all.filter(({ isRetired }) => !isRetired);
    this.turn += 1;
    const turned = named.map((_, at) => named[(at + this.turn) % named.length] as Backend);
    const rank = ({ health }: Backend) => ['up', 'unknown', 'refusing', 'dead'].indexOf(health);
    return turned.sort(
      (left, right) =>
        rank(left) - rank(right) || fallbackRank(left) - fallbackRank(right) || left.resets.size - right.resets.size,
    );
  }

  /** A connection goes to it. @returns to be called when that is over */
  engage(backend: Backend, reset: () => void): () => void {
    backend.resets.add(reset);
    return () => {
      backend.resets.delete(reset);
      this.forgetIfDone(backend);
    };
  }

  /** What a look at it has shown. */
  report(backend: Backend, outcome: 'fine' | 'refused' | 'failed'): void {
    backend.failures = outcome === 'failed' ? backend.failures + 1 : 0;
    if (outcome === 'fine') this.set(backend, 'up');
    else if (outcome === 'refused') this.set(backend, 'refusing');
    else if (backend.failures >= this.options.maxFailures) this.set(backend, 'dead');
  }

  private set(backend: Backend, health: Health): void {
    if (backend.health === health) return;
    const connections = backend.resets.size;
    const reset = health === 'dead' && connections > 0 ? `; ${connections} connections are reset` : '';
    this.options.log(`backend ${backend.name}: ${backend.health} → ${health}${reset}`);
    backend.health = health;
    this.options.changed();
    if (health !== 'dead') return;
    for (const end of [...backend.resets]) end();
  }

  private forgetIfDone(backend: Backend): void {
    if (!backend.isRetired || backend.resets.size > 0) return;
    // One that was forgotten before may have been named again since: then its name is that of another one.
    if (this.byName.get(backend.name) === backend) this.byName.delete(backend.name);
  }
}

function fallbackRank({ isFallback }: { isFallback?: boolean }): number {
  return isFallback ? 1 : 0;
}

export function nameOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
