import { ControlError } from '../control/errors.js';
import type { Service as ServiceInfo, ServiceStateName } from '../control/protocol.js';
import type { ControlServer, ServerConnection } from '../control/server.js';
import type { LogRing, NativeAddon } from '../native/contract.js';
import type { Clock } from './clock.js';
import type { ServiceDefinition } from './definition.js';
import { EventList } from './event-list.js';
import type { InitLog } from './log.js';
import type { Publish } from './node-events.js';
import { ServiceProcess } from './service-process.js';
import type { ServiceProcesses } from './service-processes.js';
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
  /** Bound of the back-off; 30 s but on nodes of tests. */
  maxRestartDelayMs?: number;
}

/** Of what is given at run time; a command line of the kubelet has a dozen. */
const MAX_ARGUMENTS = 64;
const MAX_ARGUMENT_CHARACTERS = 4096;

/** One service: runs the effects of its state machine (service-state.ts) and keeps what the API shows of it. */
export class Service {
  private record: ServiceRecord = INITIAL_RECORD;
  private readonly events: EventList;
  private readonly inputs: ServiceInput[] = [];
  private isAdvancing = false;
  private furtherArguments: readonly string[] | undefined;
  private readonly process: ServiceProcess;
  /** What its process says of itself. */
  private health: { isHealthy: boolean; message: string } | undefined;
  private disarm = (): void => {};
  private idleWaiters: (() => void)[] = [];

  /** `ring` and `group` live as long as the service is defined, whatever becomes of its processes. */
  constructor(
    readonly definition: ServiceDefinition,
    readonly ring: LogRing,
    group: ServiceProcesses | undefined,
    private readonly context: ServiceContext,
  ) {
    this.events = new EventList(context.clock);
    this.process = new ServiceProcess({ definition, ring, group }, context, (input) => {
      // Whatever it said of itself, it says no more.
      if (input.kind === 'ending') this.health = undefined;
      else this.send(input);
    });
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
    return this.process.connection;
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

  /**
   * Given by whoever looks after it, for its next start.
   * @throws ControlError FAILED_PRECONDITION  its definition takes none · INVALID_ARGUMENT
   */
  setArguments(list: readonly string[]): void {
    if (!this.definition.furtherArguments) {
      throw new ControlError('FAILED_PRECONDITION', `service "${this.id}" takes no arguments besides its own`);
    }
    const isFine = (text: string) => text.length <= MAX_ARGUMENT_CHARACTERS && !text.includes('\0');
    if (list.length > MAX_ARGUMENTS || !list.every(isFine)) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `service "${this.id}": too many arguments, or one that cannot be passed on`,
      );
    }
    this.furtherArguments = [...list];
  }

  /** It is not known yet what it is to be started with. */
  get lacksArguments(): boolean {
    return this.definition.furtherArguments && this.furtherArguments === undefined;
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
      pid: this.process.pid,
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
    const { isGoingDown, maxRestartDelayMs: maxDelayMs } = this.context;
    const rules = {
      restart: isGoingDown() ? ('never' as const) : restart,
      stopTimeoutMs,
      ...(maxDelayMs !== undefined && { maxDelayMs }),
    };
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
        this.process.start(this.furtherArguments ?? []);
        return;
      case 'terminate':
        this.process.terminate();
        return;
      case 'kill':
        this.process.kill();
        return;
      case 'arm-timer':
        this.disarm();
        this.disarm = this.context.clock.after(effect.delayMs, () => this.send({ kind: 'timer' }));
        return;
      case 'disarm-timer':
        this.disarm();
    }
  }
}
