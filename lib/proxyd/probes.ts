import { connect } from 'node:net';
import { errorCode } from '../base/errors.js';
import type { Address, Backend, Backends } from './backends.js';
import { cut } from './cut.js';
import type { Limits } from './limits.js';

/** Answers of a host that lives. */
const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET']);

type Outcome = 'fine' | 'refused' | 'failed';

/** Looks at every backend again and again, each at its own pace, as long as it is there. */
export class Probes {
  private readonly stops = new Map<Backend, () => void>();

  constructor(
    private readonly backends: Backends,
    private readonly limits: Limits,
  ) {}

  /** Begins with those that are new, and ends with those that are gone. */
  update(): void {
    const { all } = this.backends;
    // One that was forgotten and is named again is another one, with the same name.
    for (const [backend, stop] of this.stops) if (!all.includes(backend)) stop();
    for (const backend of all) if (!this.stops.has(backend)) this.watch(backend);
  }

  stop(): void {
    for (const stop of this.stops.values()) stop();
  }

  private watch(backend: Backend): void {
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const stop = () => {
      isOver = true;
      clearTimeout(timer);
      this.stops.delete(backend);
    };
    this.stops.set(backend, stop);
    const look = async () => {
      const outcome = await probe(backend.address, this.limits.probeTimeoutMs);
      if (isOver) return;
      this.backends.report(backend, outcome);
      if (!this.backends.all.includes(backend)) {
        stop();
        return;
      }
      const { probeIntervalMs, probeAgainMs } = this.limits;
      timer = setTimeout(look, outcome === 'failed' ? probeAgainMs : probeIntervalMs);
    };
    void look();
  }
}

/** Whether a server accepts connections. It is reset, so that neither side remembers it. */
function probe({ host, port }: Address, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    let isOver = false;
    const end = (outcome: Outcome) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      cut(socket);
      resolve(outcome);
    };
    // What has come by then is looked at first: this process may not have had its turn for as long.
    const timer = setTimeout(() => setImmediate(() => end('failed')), timeoutMs);
    socket.once('connect', () => end('fine'));
    socket.on('error', (error) => end(REFUSALS.has(errorCode(error) ?? '') ? 'refused' : 'failed'));
  });
}
