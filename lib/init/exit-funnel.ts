/**
 * The one way down. Whatever ends the node (an error nobody caught, a required phase that failed, a signal, the API) enters here,
 * and the same steps follow in the same order:
 *
 * | step             | at most | what                                                                     | left out            |
 * |------------------|---------|--------------------------------------------------------------------------|---------------------|
 * | announce         | -       | the reason goes to the kernel log and the console                        |                     |
 * | drain            | 6 min   | machined moves pods away; whoever asks again without it, or by force, ends it | unless asked for    |
 * | tell peers       | -       | event ShuttingDown on every control connection; nothing is started again |                     |
 * | stop containers  | 30 s    | the kubelet ends; machined ends containers, those of pods first, and starts none | by force        |
 * | stop services    | 30 s    | in reverse order, SIGTERM, each one's cgroup killed after its own timeout| by force            |
 * | wipe disks       | 10 min  | machined wipes what a reset names; osd and machined are stopped after it | unless named        |
 * | end processes    | 5 s     | SIGTERM to everything that is left                                       | by force            |
 * | kill processes   | 2 s     | SIGKILL to everything that is left                                       |                     |
 * | sync             | 30 s    | sync(2)                                                                  |                     |
 * | unmount          | 15 s    | all that is on a device, last mounted first; detached after 8 s          |                     |
 * | countdown        | 10 s    | printed second by second, so that a person can read the reason           | unless it is fatal  |
 * | reboot           | -       | reboot(2): restart or power off                                          |                     |
 *
 * A step that fails or does not end in time is logged, and the next one follows: nothing in here can keep the node from going down.
 * There is one run; whoever enters later is logged and waits for the same end.
 */
import { errorMessage } from '../base/errors.js';
import type { MachineStage } from '../control/node-event.js';
import { type Clock, sleep, within } from './clock.js';
import type { InitLog } from './log.js';
import type { Publish } from './node-events.js';

export interface WipeRequest {
  /** Paths. */
  disks: readonly string[];
  /** Of the node's own disk, by their labels. */
  partitions: readonly string[];
}

export interface ExitRequest {
  /** 'fatal': an error of ours, with the countdown. 'asked': somebody's wish. */
  cause: 'fatal' | 'asked';
  action: 'restart' | 'power-off';
  /** For people: what happened, or who asked. */
  reason: string;
  /** Leave out the orderly stop of services. */
  force: boolean;
  /** Move pods away first. */
  drain?: boolean;
  /** Of whoever asked over the API: names the way down to those who follow it. */
  actorId?: string;
  /** The wish is a reset: what is to be wiped. */
  reset?: WipeRequest;
}

/** What the funnel does to the world; tests put fakes in its place. */
export interface ExitEffects {
  /** Puts a line where somebody sees it even if the kernel log does not work. Never blocks, never throws. */
  announce(text: string): void;
  /** Has machined move pods away. @param signal  nobody waits for it any more */
  drain(signal: AbortSignal): Promise<void>;
  tellPeers(): void;
  /** Has machined end everything in containers. */
  stopContainers(): Promise<void>;
  /** @param except  ids of services that go on */
  stopServices(except: readonly string[]): Promise<void>;
  /** Rejects when not every one was wiped. */
  wipeDisks(what: WipeRequest): Promise<void>;
  signalAll(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** User processes other than PID 1. */
  processesLeft(): Promise<number>;
  sync(): Promise<void>;
  /** @returns what could not be unmounted, and why */
  unmountAll(): Promise<string[]>;
  /** Returns only if the kernel refuses. */
  reboot(action: 'restart' | 'power-off'): void;
  /** The kernel does not do what it should: end PID 1 in a way that makes it panic, and with `panic=10` restart. */
  crash(): void;
}

export const DEADLINES_MS = {
  drain: 360_000,
  stopContainers: 30_000,
  stopServices: 30_000,
  wipeDisks: 600_000,
  endProcesses: 5000,
  killProcesses: 2000,
  sync: 30_000,
  unmount: 15_000,
} as const;

const COUNTDOWN_SECONDS = 10;
const LOOK_AGAIN_MS = 50;
/** The one that wipes, and the one that tells of it. */
const NEEDED_FOR_WIPING = ['machined', 'osd'];
/** For steps that end by themselves, should they not. */
const MARGIN_MS = 1000;

/** How steps are called where they are followed, if not alike. The first one is a name that clients of the machine API wait for. */
const TASKS: Readonly<Record<string, string>> = {
  drain: 'cordonAndDrainNode',
  'tell peers': 'tellPeers',
  'stop containers': 'stopContainers',
  'stop services': 'stopAllServices',
  'wipe disks': 'resetUserDisks',
  'stop other services': 'stopOtherServices',
  'end processes': 'endProcesses',
  'kill processes': 'killProcesses',
};

function taskName(step: string): string {
  return TASKS[step] ?? step;
}

/** The way down as those see it who follow the node. */
export interface ExitEvents {
  publish: Publish;
  enterStage(stage: MachineStage, actorId: string): void;
}

export class ExitFunnel {
  private running: Promise<void> | undefined;
  private actorId = '';
  /** There is no time for pods any more. */
  private readonly hurried = new AbortController();
  private isForced = false;

  constructor(
    private readonly effects: ExitEffects,
    private readonly log: InitLog,
    private readonly clock: Clock,
    private readonly events: ExitEvents = { publish: () => {}, enterStage: () => {} },
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Starts the way down; never throws, never rejects. Resolves only if the kernel refused to reboot, or in tests. */
  enter(request: ExitRequest): Promise<void> {
    if (this.running) {
      this.log.critical(`exit: already going down; also: ${request.reason}`);
      this.tellSequence(request, 'NOOP', 'the node is going down already');
      if (!request.drain) this.hurry(request.force);
      return this.running;
    }
    this.running = this.run(request);
    return this.running;
  }

  private async run(request: ExitRequest): Promise<void> {
    const { cause, action, reason, drain = false, actorId = '', reset } = request;
    const { effects, log } = this;
    this.actorId = actorId;
    this.isForced = request.force;
    this.tellSequence(request, 'START', cause === 'fatal' ? reason : '');
    this.events.enterStage(reset ? 'RESETTING' : action === 'restart' ? 'REBOOTING' : 'SHUTTING_DOWN', actorId);
    const startedMs = this.clock.monotonicMs();
    const label = cause === 'fatal' ? 'fatal error, ' : '';
    await this.step('announce', MARGIN_MS, () => effects.announce(`exit: ${label}${action}: ${reason}`));
    if (drain && !this.isForced) await this.step('drain', DEADLINES_MS.drain, () => this.drain());
    // Decided by now: who comes later comes too late.
    const force = this.isForced;
    await this.step('tell peers', MARGIN_MS, () => effects.tellPeers());
    if (!force) await this.step('stop containers', DEADLINES_MS.stopContainers, () => effects.stopContainers());
    if (reset && reset.disks.length + reset.partitions.length > 0) {
      await this.step('stop services', DEADLINES_MS.stopServices, () => effects.stopServices(NEEDED_FOR_WIPING));
      const problem = await this.step('wipe disks', DEADLINES_MS.wipeDisks, () => effects.wipeDisks(reset));
      if (problem !== undefined) this.tellSequence(request, 'NOOP', problem);
      await this.step('stop other services', DEADLINES_MS.stopServices, () => effects.stopServices([]));
    } else if (!force) {
      await this.step('stop services', DEADLINES_MS.stopServices, () => effects.stopServices([]));
    }
    if (!force) {
      await this.step('end processes', DEADLINES_MS.endProcesses + MARGIN_MS, () =>
        this.clear('SIGTERM', DEADLINES_MS.endProcesses),
      );
    }
    await this.step('kill processes', DEADLINES_MS.killProcesses + MARGIN_MS, () =>
      this.clear('SIGKILL', DEADLINES_MS.killProcesses),
    );
    await this.step('sync', DEADLINES_MS.sync, () => effects.sync());
    await this.step('unmount', DEADLINES_MS.unmount, async () => {
      const left = await effects.unmountAll();
      if (left.length > 0) log.critical(`exit: still mounted: ${left.join(', ')}`);
    });
    if (cause === 'fatal')
      await this.step('countdown', COUNTDOWN_SECONDS * 1000 + MARGIN_MS, () => this.countDown(action));
    const tookMs = Math.round(this.clock.monotonicMs() - startedMs);
    this.tellSequence(request, 'STOP', '');
    await this.step('reboot', MARGIN_MS, () => {
      log.critical(`exit: ${action} now, ${tookMs} ms after the request`);
      effects.reboot(action);
      log.critical(`exit: the kernel returned from ${action}`);
    });
    if (action === 'power-off') return;
    await this.step('crash', MARGIN_MS, () => effects.crash());
  }

  /** Ends early, and well, when somebody is in a hurry. */
  private async drain(): Promise<void> {
    const { signal } = this.hurried;
    if (signal.aborted) return;
    const hurried = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.effects.drain(signal), hurried]);
  }

  /** Somebody wants the node down, pods or not. */
  private hurry(force: boolean): void {
    this.isForced ||= force;
    this.hurried.abort();
  }

  /** Signals everything, and looks until nothing is left. */
  private async clear(signal: 'SIGTERM' | 'SIGKILL', deadlineMs: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + deadlineMs;
    this.effects.signalAll(signal);
    for (;;) {
      const left = await this.effects.processesLeft();
      if (left === 0) return;
      if (this.clock.monotonicMs() >= untilMs) {
        this.log.critical(`exit: ${left} processes are left after ${signal}`);
        return;
      }
      await sleep(this.clock, LOOK_AGAIN_MS);
    }
  }

  private async countDown(action: ExitRequest['action']): Promise<void> {
    const doing = action === 'restart' ? 'rebooting' : 'powering off';
    for (let seconds = COUNTDOWN_SECONDS; seconds > 0; seconds--) {
      this.effects.announce(`exit: ${doing} in ${seconds} s`);
      await sleep(this.clock, 1000);
    }
  }

  private tellSequence(
    { action, reset, actorId = '' }: ExitRequest,
    step: 'START' | 'STOP' | 'NOOP',
    error: string,
  ): void {
    const name = reset ? 'reset' : action === 'restart' ? 'reboot' : 'shutdown';
    this.events.publish({ kind: 'sequence', name, action: step, error }, actorId);
  }

  /** Whatever happens inside stays inside. @returns what went wrong, if it did */
  private async step(name: string, deadlineMs: number, work: () => void | Promise<void>): Promise<string | undefined> {
    const startedMs = this.clock.monotonicMs();
    const task = (action: 'START' | 'STOP') =>
      this.events.publish({ kind: 'task', name: taskName(name), action }, this.actorId);
    task('START');
    try {
      const done = Promise.resolve(work());
      // A rejection that comes after the deadline must not enter the funnel again.
      done.catch(() => {});
      const isInTime = await within(this.clock, deadlineMs, done);
      const tookMs = Math.round(this.clock.monotonicMs() - startedMs);
      if (isInTime) {
        this.log.info(`exit: ${name} done in ${tookMs} ms`);
        return undefined;
      }
      const problem = `${name} did not end within ${tookMs} ms`;
      this.log.critical(`exit: ${problem}`);
      return problem;
    } catch (error) {
      const problem = `${name} failed: ${errorMessage(error)}`;
      this.log.critical(`exit: ${problem}`);
      return problem;
    } finally {
      task('STOP');
    }
  }
}
