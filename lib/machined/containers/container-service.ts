/**
 * A service of the node that runs in a container, kept running as PID 1 keeps its own.
 *
 * | state    | meaning                                                   | left by                                        |
 * |----------|-----------------------------------------------------------|------------------------------------------------|
 * | Waiting  | for containerd, or in its back-off                        | containerd's answer, the end of the back-off   |
 * | Starting | its image is imported, its container made                 | the start, or its failure                      |
 * | Running  | there is a process; also while containerd is away         | its end                                        |
 * | Stopping | SIGTERM was sent; SIGKILL follows after `stopTimeoutMs`   | its end                                        |
 * | Finished | was stopped, or ended in order and its policy lets it     | a start request                                |
 * | Failed   | its image cannot be imported, or its policy lets it       | a start request                                |
 *
 * containerd may be away at any time, and so may we: what runs is found again by its id. A wish that comes while there is nothing to end yet, or
 * while containerd cannot be asked to end it, is done as soon as it can be.
 */
import { nextDelay } from '../../base/back-off.js';
import type { ContainerReport, ServiceAction, ServiceStateName } from '../../control/protocol.js';
import type { ContainerDefinition } from './definition.js';
import { describeEnd, failureReason } from './failure-reason.js';
import { type ContainerLog, type ContainerRuntime, imageName } from './runtime.js';

export interface ServiceContext {
  runtime: ContainerRuntime;
  /** Resolves when containerd answers. */
  ready(): Promise<void>;
  /** containerd did not answer. */
  lost(): void;
  openLog(id: string): Promise<ContainerLog>;
  report(report: ContainerReport): void;
  /** Resolves after so long, or when it is called off. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  nowMs(): number;
  /** Bound of the back-off; 30 s but on nodes of tests. */
  maxRestartDelayMs?: number;
}

const SIGTERM = 15;
const SIGKILL = 9;

export class ContainerService {
  private isWanted: boolean;
  private pid = 0;
  private restarts = 0;
  private delayMs = 0;
  private state: ServiceStateName = 'Waiting';
  /** What runs of it is to end, as soon as it can be told so. */
  private isEnding = false;
  /** The run that was told so. */
  private told: Promise<void> | undefined;
  /** Ends what is waited for: a back-off, or a wish to run. */
  private wake = new AbortController();
  private ended: Promise<void> | undefined;

  constructor(
    readonly definition: ContainerDefinition,
    private readonly context: ServiceContext,
  ) {
    this.isWanted = definition.start === 'boot';
  }

  get id(): string {
    return this.definition.id;
  }

  /** Keeps it as it is wanted, until the node goes down. Never rejects. */
  async keep(): Promise<void> {
    await this.findRunning();
    for (;;) {
      if (!this.isWanted && !this.isEnding) {
        await this.woken();
        continue;
      }
      await this.context.ready();
      try {
        await this.oneRun();
      } catch (error) {
        if (!this.context.runtime.isAbsence(error)) throw error;
        this.context.lost();
      }
    }
  }

  /** One that nobody has to start may have been started by request, before we were started again. */
  private async findRunning(): Promise<void> {
    const { context } = this;
    while (!this.isWanted) {
      await context.ready();
      try {
        const task = await context.runtime.task(this.id);
        this.isWanted ||= task?.status === 'RUNNING' && !this.isEnding;
        return;
      } catch (error) {
        if (!context.runtime.isAbsence(error)) throw error;
        context.lost();
      }
    }
  }

  /** By request; does not wait until it is done. */
  ask(action: ServiceAction): void {
    this.isWanted = action !== 'STOP';
    this.delayMs = 0;
    // One that is just being started need not be started again.
    if (action === 'STOP' || (action === 'RESTART' && this.state !== 'Starting')) this.end();
    this.wake.abort();
    this.wake = new AbortController();
  }

  /** For good: the node goes down. Resolves when nothing of it runs. */
  async stop(): Promise<void> {
    this.isWanted = false;
    this.isEnding = this.ended !== undefined || this.state === 'Starting';
    await this.terminate();
    await this.ended;
  }

  /** Shows it before anything has happened. */
  show(): void {
    this.report(this.isWanted ? 'Waiting' : 'Finished', '');
  }

  private async oneRun(): Promise<void> {
    const { runtime, nowMs } = this.context;
    const startedMs = nowMs();
    let status: number | undefined;
    let isOutOfMemory = false;
    try {
      if (!(await this.adopt()) && !(await this.start())) return;
      this.ended = runtime.wait(this.id).then((code) => {
        status = code;
      });
      if (this.isEnding) this.end();
      await this.ended;
      isOutOfMemory = (await runtime.outOfMemoryKills(this.id)) > 0;
      await runtime.remove(this.id);
    } catch (error) {
      if (runtime.isAbsence(error)) throw error;
      await runtime.remove(this.id).catch(() => {});
      await this.over(`Could not be run: ${failureReason(error)}`, true, 0);
      return;
    } finally {
      this.ended = undefined;
    }
    this.pid = 0;
    const why = status === undefined ? 'gone' : describeEnd(status, isOutOfMemory);
    if (this.isEnding) {
      this.isEnding = false;
      this.report(this.isWanted ? 'Waiting' : 'Finished', `Stopped: ${why}`);
      return;
    }
    await this.over(`Ended: ${why}`, status !== 0, nowMs() - startedMs);
  }

  /** What runs already, from before we or containerd were started again. What is left of it otherwise is removed. */
  private async adopt(): Promise<boolean> {
    const task = await this.context.runtime.task(this.id);
    if (task?.status === 'RUNNING') {
      if (this.pid !== task.pid) this.report('Running', `Runs with process id ${task.pid}`, { pid: task.pid });
      return true;
    }
    await this.context.runtime.remove(this.id);
    return false;
  }

  /** False: it cannot be started, or is not to be any more, and was reported. */
  private async start(): Promise<boolean> {
    const { runtime, openLog } = this.context;
    this.isEnding = false;
    if (!this.isWanted) {
      const isIdle = this.state === 'Finished' || this.state === 'Failed';
      if (!isIdle) this.report('Finished', this.pid === 0 ? 'Stopped before it ran' : 'Stopped: gone');
      return false;
    }
    this.report('Starting', 'Starting');
    let snapshot: string;
    try {
      snapshot = await runtime.prepare(this.definition);
    } catch (error) {
      if (runtime.isAbsence(error)) throw error;
      // It would not become another by being tried again.
      this.isWanted = false;
      this.isEnding = false;
      this.report('Failed', `Its image cannot be imported: ${failureReason(error)}`, { failed: true });
      return false;
    }
    const log = await openLog(this.id);
    try {
      const pid = await runtime.run(this.definition, snapshot, log);
      this.report('Running', `Started with process id ${pid}`, { pid });
      return true;
    } finally {
      log.close();
    }
  }

  /** By its policy. */
  private async over(why: string, isFailure: boolean, ranForMs: number): Promise<void> {
    const { restart } = this.definition;
    this.pid = 0;
    this.isEnding = false;
    if (!this.isWanted || restart === 'never' || (restart === 'on-failure' && !isFailure)) {
      this.isWanted = false;
      this.report(isFailure ? 'Failed' : 'Finished', why, { failed: isFailure });
      return;
    }
    this.delayMs = nextDelay(this.delayMs, ranForMs, this.context.maxRestartDelayMs);
    this.report('Waiting', `${why}; starting again in ${this.delayMs / 1000} s`, { failed: isFailure });
    await this.context.sleep(this.delayMs, this.wake.signal);
    if (this.isWanted) this.restarts++;
  }

  /** Ends what runs: at once, or as soon as it is known what does. */
  private end(): void {
    this.isEnding = true;
    void this.terminate().catch(() => this.context.lost());
  }

  private async terminate(): Promise<void> {
    const { runtime, sleep } = this.context;
    const { ended } = this;
    if (ended === undefined || this.told === ended) return;
    this.told = ended;
    try {
      this.report('Stopping', this.isWanted ? 'Stopping, to be started again' : 'Stopping', { pid: this.pid });
      const isOver = new AbortController();
      void ended.catch(() => {}).then(() => isOver.abort());
      await runtime.signal(this.id, SIGTERM);
      await sleep(this.definition.stopTimeoutMs, isOver.signal);
      if (!isOver.signal.aborted) await runtime.signal(this.id, SIGKILL);
    } catch (error) {
      if (this.told === ended) this.told = undefined;
      throw error;
    }
  }

  private woken(): Promise<void> {
    const { signal } = this.wake;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  private report(state: ServiceStateName, message: string, { pid = 0, failed = false } = {}): void {
    this.state = state;
    this.pid = pid;
    const image = imageName(this.definition);
    this.context.report({ id: this.id, state, pid, image, restarts: this.restarts, message, failed });
  }
}
