import type { ContainerReport, ControlEvent, Service as ServiceInfo } from '../control/protocol.js';
import type { ServerConnection } from '../control/server.js';
import type { FileDescriptor, LogRing } from '../native/contract.js';
import type { Clock } from './clock.js';
import { EventList } from './event-list.js';
import type { InitLog } from './log.js';
import type { Publish } from './node-events.js';

export interface ReportedContext {
  clock: Clock;
  log: Pick<InitLog, 'write' | 'notice'>;
  publish: Publish;
  makeRing(id: string): LogRing;
  pipe(): [FileDescriptor, FileDescriptor];
  /** A new control connection of that peer, and the peer's end of it. */
  connect(id: string): { connection: ServerConnection; end: FileDescriptor };
  /** The state or the health of one has changed. */
  changed(): void;
}

/** There is no process. It is connected while it is Starting: its start is known to be over only later. */
const WITHOUT_PROCESS = new Set(['Waiting', 'Finished', 'Failed']);
const LAST_LINE_BYTES = 512;

/** One service that runs in a container: what machined reports of it, and what its process says of itself over a control connection. */
export class ReportedService {
  readonly ring: LogRing;
  private report: ContainerReport;
  private readonly events: EventList;
  private lastLogLine = '';
  private health: { isHealthy: boolean; message: string } | undefined;
  private control: ServerConnection | undefined;

  constructor(
    readonly id: string,
    private readonly context: ReportedContext,
  ) {
    this.report = { id, state: '', pid: 0, image: '', restarts: 0, message: '', failed: false };
    this.events = new EventList(context.clock);
    this.ring = context.makeRing(id);
  }

  get state(): string {
    return this.report.state;
  }

  /** What keeps the node from being ready; undefined when nothing does, or it has only just been started. */
  get problem(): string | undefined {
    const { state, failed } = this.report;
    if (failed) return `is ${state}`;
    return state === 'Running' && this.health?.isHealthy === false ? `says: ${this.health.message}` : undefined;
  }

  take(report: ContainerReport): void {
    // A machined that was started again lists what it has; what is known of one is better than that.
    if (report.message === '' && this.report.state !== '') return;
    if (report.failed) this.lastLogLine = this.ring.lastLine(LAST_LINE_BYTES);
    this.report = report;
    if (WITHOUT_PROCESS.has(report.state)) this.disconnect();
    // How it is, and nothing that has happened.
    if (report.message === '') return;
    const isTold = report.failed && this.lastLogLine !== '';
    const text = isTold ? `${report.message}, last line: ${this.lastLogLine}` : report.message;
    this.context.log.write(report.failed ? 'warning' : 'info', `service ${this.id}: ${text}`);
    this.tell(text);
    this.context.changed();
  }

  /** Its process serves its clients from now on. */
  reportListening(port: number): void {
    this.reportHealth(true, `Listening on port ${port}`);
    this.context.log.notice(`service ${this.id}: listening on port ${port}`);
  }

  /** Its process tells how it fares. What says nothing new is dropped. */
  reportHealth(isHealthy: boolean, message: string): void {
    if (this.health?.isHealthy === isHealthy && this.health.message === message) return;
    this.health = { isHealthy, message };
    this.tell(message);
    this.context.changed();
  }

  /** The process's end of a connection that is its identity. One that there was before ends: a container has one process that asks. */
  openControl(): FileDescriptor {
    this.disconnect();
    const { connection, end } = this.context.connect(this.id);
    this.control = connection;
    connection.onClose(() => {
      if (this.control !== connection) return;
      this.control = undefined;
      this.health = undefined;
    });
    return end;
  }

  /** Its process's control connection, while there is one. */
  get connection(): ServerConnection | undefined {
    return this.control;
  }

  sendEvent(event: ControlEvent): void {
    this.control?.sendEvent(event);
  }

  info(): ServiceInfo {
    const { state, pid, image, restarts } = this.report;
    return {
      id: this.id,
      state,
      pid,
      image,
      restarts,
      lastLogLine: this.lastLogLine,
      events: this.events.list(),
      lastChangeMs: this.events.lastChangeMs,
      healthUnknown: this.health === undefined,
      healthy: this.health?.isHealthy ?? false,
      healthMessage: this.health?.message ?? '',
    };
  }

  private disconnect(): void {
    const { control } = this;
    this.control = undefined;
    this.health = undefined;
    control?.close();
  }

  private tell(message: string): void {
    const { state } = this.report;
    this.events.add(message, state);
    this.context.publish({
      kind: 'service',
      service: this.id,
      action: state.toUpperCase(),
      message,
      healthUnknown: this.health === undefined,
      healthy: this.health?.isHealthy ?? false,
      healthMessage: this.health?.message ?? '',
      healthChangeMs: this.events.lastChangeMs,
    });
  }
}
