/**
 * The one way down. Whatever ends the node (an error nobody caught, a required phase that failed, a signal, the API) enters here,
 * and the same steps follow in the same order:
 *
 * | step             | at most | what                                                                     | left out            |
 * |------------------|---------|--------------------------------------------------------------------------|---------------------|
 * | announce         | -       | the reason goes to the kernel log and the console                        |                     |
 * | tell peers       | -       | event ShuttingDown on every control connection; nothing is started again |                     |
 * | stop services    | 30 s    | in reverse order, SIGTERM, each one's cgroup killed after its own timeout| by force            |
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
import { type Clock, sleep, within } from './clock.js';
import type { InitLog } from './log.js';

export interface ExitRequest {
  /** 'fatal': an error of ours, with the countdown. 'asked': somebody's wish. */
  cause: 'fatal' | 'asked';
  action: 'restart' | 'power-off';
  /** For people: what happened, or who asked. */
  reason: string;
  /** Leave out the orderly stop of services. */
  force: boolean;
}

/** What the funnel does to the world; tests put fakes in its place. */
export interface ExitEffects {
  /** Puts a line where somebody sees it even if the kernel log does not work. Never blocks, never throws. */
  announce(text: string): void;
  tellPeers(): void;
  stopServices(): Promise<void>;
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
  stopServices: 30_000,
  endProcesses: 5000,
  killProcesses: 2000,
  sync: 30_000,
  unmount: 15_000,
} as const;

const COUNTDOWN_SECONDS = 10;
const LOOK_AGAIN_MS = 50;
/** For steps that end by themselves, should they not. */
const MARGIN_MS = 1000;

export class ExitFunnel {
  private running: Promise<void> | undefined;

  constructor(
    private readonly effects: ExitEffects,
    private readonly log: InitLog,
    private readonly clock: Clock,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Starts the way down; never throws, never rejects. Resolves only if the kernel refused to reboot, or in tests. */
  enter(request: ExitRequest): Promise<void> {
    if (this.running) {
      this.log.critical(`exit: already going down; also: ${request.reason}`);
      return this.running;
    }
    this.running = this.run(request);
    return this.running;
  }

  private async run({ cause, action, reason, force }: ExitRequest): Promise<void> {
    const { effects, log } = this;
    const startedMs = this.clock.monotonicMs();
    const label = cause === 'fatal' ? 'fatal error, ' : '';
    await this.step('announce', MARGIN_MS, () => effects.announce(`exit: ${label}${action}: ${reason}`));
    await this.step('tell peers', MARGIN_MS, () => effects.tellPeers());
    if (!force) {
      await this.step('stop services', DEADLINES_MS.stopServices, () => effects.stopServices());
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
    await this.step('reboot', MARGIN_MS, () => {
      log.critical(`exit: ${action} now, ${tookMs} ms after the request`);
      effects.reboot(action);
      log.critical(`exit: the kernel returned from ${action}`);
    });
    if (action === 'power-off') return;
    await this.step('crash', MARGIN_MS, () => effects.crash());
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

  /** Whatever happens inside stays inside. */
  private async step(name: string, deadlineMs: number, work: () => void | Promise<void>): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    try {
      const done = Promise.resolve(work());
      // A rejection that comes after the deadline must not enter the funnel again.
      done.catch(() => {});
      const isInTime = await within(this.clock, deadlineMs, done);
      const tookMs = Math.round(this.clock.monotonicMs() - startedMs);
      if (isInTime) this.log.info(`exit: ${name} done in ${tookMs} ms`);
      else this.log.critical(`exit: ${name} did not end within ${tookMs} ms`);
    } catch (error) {
      this.log.critical(`exit: ${name} failed: ${errorMessage(error)}`);
    }
  }
}
