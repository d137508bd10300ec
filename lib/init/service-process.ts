import { errorCode, errorMessage } from '../base/errors.js';
import type { ControlServer, ServerConnection } from '../control/server.js';
import type { Child, ExitStatus, LogRing, NativeAddon } from '../native/contract.js';
import { type Clock, within } from './clock.js';
import type { ServiceDefinition } from './definition.js';
import { launch } from './launch.js';
import type { InitLog } from './log.js';
import type { ServiceProcesses } from './service-processes.js';
import type { ServiceInput } from './service-state.js';

export interface ServiceProcessContext {
  native: Pick<NativeAddon, 'process' | 'descriptor' | 'channel'>;
  clock: Clock;
  log: Pick<InitLog, 'failure'>;
  control: ControlServer;
}

/** What becomes of it; `ending`: the process is gone, and what it left behind is being swept up until `exited`. */
type ProcessInput = Extract<ServiceInput, { kind: 'spawned' | 'spawn-failed' | 'exited' }> | { kind: 'ending' };

/** A process that has ended has written all it ever will; only what it left behind can hold its pipes longer. */
const DRAIN_MS = 1000;
const LAST_LINE_BYTES = 512;

/** The process of a service, one at a time: started, signalled, and what it leaves behind swept up. */
export class ServiceProcess {
  private child: Child | undefined;
  private control: ServerConnection | undefined;

  /** @param tell  the state machine, and whoever keeps what the process said */
  constructor(
    private readonly service: { definition: ServiceDefinition; ring: LogRing; group: ServiceProcesses | undefined },
    private readonly context: ServiceProcessContext,
    private readonly tell: (input: ProcessInput) => void,
  ) {}

  /** 0 without one. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Its control connection, while there is one. */
  get connection(): ServerConnection | undefined {
    return this.control?.isOpen ? this.control : undefined;
  }

  /** Tells `spawned` or `spawn-failed` before it returns, and `exited` in the end. */
  start(furtherArguments: readonly string[]): void {
    const { definition, ring, group } = this.service;
    const { native, control, log } = this.context;
    try {
      const cgroup = group?.renew();
      const command = { ...definition, argv: [...definition.argv, ...furtherArguments] };
      const { child, connection } = launch(command, { native, control, ring, cgroup });
      this.child = child;
      this.control = connection;
      child.exited.then(
        (status) => this.ended(child, status),
        (error) => log.failure('error', `service ${definition.id}: its end was not told`, error),
      );
      this.tell({ kind: 'spawned', pid: child.pid });
    } catch (error) {
      const code = errorCode(error);
      const stage = (error as { stage?: unknown }).stage;
      const where = typeof stage === 'string' ? ` (${stage})` : '';
      this.tell({ kind: 'spawn-failed', why: `${code ?? ''}${where} ${errorMessage(error)}`.trim() });
    }
  }

  terminate(): void {
    this.child?.kill('SIGTERM');
  }

  /** Everything in its cgroup. */
  kill(): void {
    const { definition, group } = this.service;
    try {
      if (group) group.kill();
      else this.child?.kill('SIGKILL');
    } catch (error) {
      this.child?.kill('SIGKILL');
      this.context.log.failure('warning', `service ${definition.id}: its cgroup could not be killed`, error);
    }
  }

  /** Sweeps up what the process left in its cgroup, and waits until all that it wrote is in the ring. */
  private async ended(child: Child, status: ExitStatus): Promise<void> {
    const { definition, ring, group } = this.service;
    const { clock, log } = this.context;
    this.child = undefined;
    this.control?.close();
    this.control = undefined;
    this.tell({ kind: 'ending' });
    const outOfMemoryKills = group?.outOfMemoryKills() ?? 0;
    await group?.clear();
    let lastLogLine = '';
    try {
      await within(clock, DRAIN_MS, ring.drained());
      lastLogLine = ring.lastLine(LAST_LINE_BYTES);
    } catch (error) {
      const what = `service ${definition.id} (process ${child.pid}): its last lines may be missing`;
      log.failure('warning', what, error);
    }
    this.tell({ kind: 'exited', status, lastLogLine, isOutOfMemory: outOfMemoryKills > 0 });
  }
}
