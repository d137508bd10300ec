import { errorCode, errorMessage } from '../base/errors.js';
import type { Service as ServiceInfo, ServiceStateName } from '../control/protocol.js';
import type { ControlServer, ServerConnection } from '../control/server.js';
import type { Child, ExitStatus, FileDescriptor, LogRing, NativeAddon } from '../native/contract.js';
import { type Clock, within } from './clock.js';
import type { ServiceDefinition } from './definition.js';
import { EventList } from './event-list.js';
import { launch } from './launch.js';
import type { InitLog } from './log.js';
import type { Publish } from './node-events.js';
import { INITIAL_RECORD, type ServiceEffect, type ServiceInput, type ServiceRecord, step } from './service-state.js';

export interface ServiceContext {
  native: Pick<NativeAddon, 'process' | 'descriptor' | 'channel'>;
  clock: Clock;
  log: InitLog;
  control: ControlServer;
  /** The node goes down: whoever ends stays down. */
  isGoingDown(): boolean;
  /** The service asks whether what it depends on runs; the answer is the input `dependencies-met`, now or later. */
  askDependencies(service: Service): void;
  /** Its state or its health has changed. */
  changed(service: Service): void;
  publish: Publish;
}

/** All processes of a service, whoever of them started which: its cgroup (service-group.ts). */
export interface ServiceProcesses {
  /** An empty group for the next process to be born in, owned by this. @throws when the last one cannot be emptied */
  renew(): FileDescriptor;
  /** SIGKILL to all. */
  kill(): void;
  /** Called while it runs: the kernel has killed so many of its processes for want of memory. */
  onOutOfMemory: (kills: number) => void;
  /** How many of the current run that were; asked before clear(). Never throws. */
  outOfMemoryKills(): number;
  /** Ends whatever is left, and resolves when nothing is, or it takes too long. Never rejects. */
  clear(): Promise<void>;
}

/** A process that has ended has written all it ever will; only what it left behind can hold its pipes longer. */
const DRAIN_MS = 1000;
const LAST_LINE_BYTES = 512;

/** One service: runs the effects of its state machine (service-state.ts) and keeps what the API shows of it. */
export class Service {
  private record: ServiceRecord = INITIAL_RECORD;
  private readonly events: EventList;
  private readonly inputs: ServiceInput[] = [];
  private isAdvancing = false;
  private child: Child | undefined;
  private control: ServerConnection | undefined;
  /** What its process says of itself. */
  private health: { isHealthy: boolean; message: string } | undefined;
  private disarm = (): void => {};
  private idleWaiters: (() => void)[] = [];

  /** `ring` and `group` live as long as the service is defined, whatever becomes of its processes. */
  constructor(
    readonly definition: ServiceDefinition,
    readonly ring: LogRing,
    private readonly group: ServiceProcesses | undefined,
    private readonly context: ServiceContext,
  ) {
    this.events = new EventList(context.clock);
    if (group) group.onOutOfMemory = (kills) => this.tellOutOfMemory(kills);
  }

  get id(): string {
    return this.definition.id;
  }

  get state(): ServiceRecord['state'] {
    return this.record.state;
  }

  /** Its process's control connection, while there is one. */
  get connection(): ServerConnection | undefined {
    return this.control?.isOpen ? this.control : undefined;
  }

  /** There is no process and none will be started by itself. */
  get isIdle(): boolean {
    const { kind } = this.record.state;
    return kind === 'Finished' || kind === 'Failed';
  }

  /** Resolves when the service is idle. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve);
    });
  }

  /** Puts an input to the state machine; one that arises from an effect waits for its turn. */
  send(input: ServiceInput): void {
    this.inputs.push(input);
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      for (let next = this.inputs.shift(); next; next = this.inputs.shift()) this.advance(next);
    } finally {
      this.isAdvancing = false;
    }
  }

  /** Its process serves its clients from now on: the end of that part of the boot. */
  reportListening(port: number): void {
    const { clock, log } = this.context;
    this.reportHealth(true, `Listening on port ${port}`);
    log.notice(`phase ${this.id}-listening on port ${port} (uptime ${(clock.monotonicMs() / 1000).toFixed(3)} s)`);
  }

  /** Its process tells how it fares. What says nothing new is dropped. */
  reportHealth(isHealthy: boolean, message: string): void {
    if (this.health?.isHealthy === isHealthy && this.health.message === message) return;
    this.health = { isHealthy, message };
    this.tell(message);
    this.context.changed(this);
  }

  /** Why it does not do what it is there for; undefined when it does, as far as is known. */
  get problem(): string | undefined {
    const { kind } = this.record.state;
    if (kind === 'Finished' && this.definition.restart !== 'always') return undefined;
    if (kind !== 'Running') return `is ${kind}`;
    return this.health?.isHealthy === false ? `says: ${this.health.message}` : undefined;
  }

  info(): ServiceInfo {
    const state: ServiceStateName = this.record.state.kind;
    return {
      id: this.id,
      state,
      pid: this.child?.pid ?? 0,
      image: this.definition.file,
      restarts: this.record.restarts,
      lastLogLine: this.record.lastLogLine,
      events: this.events.list(),
      lastChangeMs: this.events.lastChangeMs,
      healthUnknown: this.health === undefined,
      healthy: this.health?.isHealthy ?? false,
      healthMessage: this.health?.message ?? '',
    };
  }

  /** Into the list of what happened to it, and to whoever follows the node. */
  private tell(message: string): void {
    const { kind } = this.record.state;
    this.events.add(message, kind);
    this.context.publish({
      kind: 'service',
      service: this.id,
      action: kind.toUpperCase(),
      message,
      healthUnknown: this.health === undefined,
      healthy: this.health?.isHealthy ?? false,
      healthMessage: this.health?.message ?? '',
      healthChangeMs: this.events.lastChangeMs,
    });
  }

  /** Whoever was killed: if it was the process itself, its end tells so as well. */
  private tellOutOfMemory(kills: number): void {
    const message = `Out of memory: the kernel killed ${kills === 1 ? 'a process' : `${kills} processes`} of it`;
    this.tell(message);
    this.context.log.warning(`service ${this.id}: ${message}`);
  }

  private advance(input: ServiceInput): void {
    const { clock, log } = this.context;
    const { restart, stopTimeoutMs } = this.definition;
    const rules = { restart: this.context.isGoingDown() ? ('never' as const) : restart, stopTimeoutMs };
    const { record, effects, message, isFailure } = step(this.record, input, rules, clock.monotonicMs());
    const hasChanged = record.state !== this.record.state;
    this.record = record;
    if (message !== undefined) {
      this.tell(message);
      log.write(isFailure ? 'warning' : 'info', `service ${this.id}: ${message}`);
    }
    for (const effect of effects) this.run(effect);
    if (!hasChanged) return;
    this.context.changed(this);
    if (this.isIdle) for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  private run(effect: ServiceEffect): void {
    switch (effect.kind) {
      case 'ask-dependencies':
        this.context.askDependencies(this);
        return;
      case 'spawn':
        this.spawn();
        return;
      case 'terminate':
        this.child?.kill('SIGTERM');
        return;
      case 'kill':
        this.killAll();
        return;
      case 'arm-timer':
        this.disarm();
        this.disarm = this.context.clock.after(effect.delayMs, () => this.send({ kind: 'timer' }));
        return;
      case 'disarm-timer':
        this.disarm();
    }
  }

  private spawn(): void {
    const { native, control } = this.context;
    try {
      const cgroup = this.group?.renew();
      const { child, connection } = launch(this.definition, { native, control, ring: this.ring, cgroup });
      this.child = child;
      this.control = connection;
      child.exited.then(
        (status) => this.ended(child, status),
        (error) => this.context.log.failure('error', `service ${this.id}: its end was not told`, error),
      );
      this.send({ kind: 'spawned', pid: child.pid });
    } catch (error) {
      const code = errorCode(error);
      const stage = (error as { stage?: unknown }).stage;
      const where = typeof stage === 'string' ? ` (${stage})` : '';
      this.send({ kind: 'spawn-failed', why: `${code ?? ''}${where} ${errorMessage(error)}`.trim() });
    }
  }

  /** Sweeps up what the process left in its cgroup, and waits until all that it wrote is in the ring. */
  private async ended(child: Child, status: ExitStatus): Promise<void> {
    this.child = undefined;
    this.health = undefined;
    this.control?.close();
    this.control = undefined;
    const outOfMemoryKills = this.group?.outOfMemoryKills() ?? 0;
    await this.group?.clear();
    let lastLogLine = '';
    try {
      await within(this.context.clock, DRAIN_MS, this.ring.drained());
      lastLogLine = this.ring.lastLine(LAST_LINE_BYTES);
    } catch (error) {
      this.context.log.failure(
        'warning',
        `service ${this.id} (process ${child.pid}): its last lines may be missing`,
        error,
      );
    }
    this.send({ kind: 'exited', status, lastLogLine, isOutOfMemory: outOfMemoryKills > 0 });
  }

  private killAll(): void {
    try {
      if (this.group) this.group.kill();
      else this.child?.kill('SIGKILL');
    } catch (error) {
      this.child?.kill('SIGKILL');
      this.context.log.failure('warning', `service ${this.id}: its cgroup could not be killed`, error);
    }
  }
}
