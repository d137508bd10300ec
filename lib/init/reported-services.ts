import { ControlError } from '../control/errors.js';
import type { ContainerReport, ControlEvent, Service as ServiceInfo } from '../control/protocol.js';
import type { FileDescriptor, LogRing } from '../native/contract.js';
import { type ReportedContext, ReportedService } from './reported-service.js';

/** Each has a log ring of its own in memory. */
const MAX_REPORTED = 32;
const STATES = new Set(['Waiting', 'Starting', 'Running', 'Stopping', 'Finished', 'Failed']);
const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;

/**
 * Services that run in containers. They are machined's to start and to stop; what PID 1 has of them is what they look like, their control
 * connections, and their logs: the reading ends of their pipes are here, so that neither machined nor containerd, which may be started again at
 * any time, loses a line.
 */
export class ReportedServices {
  private readonly services = new Map<string, ReportedService>();
  private readonly reserved = new Set<string>();

  constructor(private readonly context: ReportedContext) {}

  /** Ids that no container may have. */
  reserve(ids: readonly string[]): void {
    for (const id of ids) this.reserved.add(id);
  }

  /** @throws ControlError INVALID_ARGUMENT · RESOURCE_EXHAUSTED */
  take(report: ContainerReport): void {
    if (!STATES.has(report.state)) throw new ControlError('INVALID_ARGUMENT', 'no such state');
    this.of(report.id).take(report);
  }

  /**
   * The writing ends of two pipes into its log; whoever has them passes them on and forgets them.
   * @throws ControlError as take
   */
  openLog(id: string): FileDescriptor[] {
    const { ring } = this.of(id);
    const opened: FileDescriptor[] = [];
    try {
      return (['stdout', 'stderr'] as const).map((stream) => {
        const [reader, writer] = this.context.pipe();
        opened.push(reader, writer);
        ring.attach(reader, stream);
        return writer;
      });
    } catch (error) {
      for (const descriptor of opened) descriptor.close();
      throw error;
    }
  }

  /**
   * The end of a control connection for its process.
   * @throws ControlError as take
   */
  openControl(id: string): FileDescriptor {
    return this.of(id).openControl();
  }

  ids(): string[] {
    return [...this.services.keys()];
  }

  get(id: string): ReportedService | undefined {
    return this.services.get(id);
  }

  ring(id: string): LogRing | undefined {
    return this.services.get(id)?.ring;
  }

  state(id: string): string | undefined {
    return this.services.get(id)?.state;
  }

  list(): ServiceInfo[] {
    return [...this.services.values()].map((service) => service.info());
  }

  /** Tells every one with a control connection. */
  tellAll(event: ControlEvent): void {
    for (const service of this.services.values()) service.sendEvent(event);
  }

  /** What is wrong with them, a sentence each. */
  problems(): string[] {
    return [...this.services.values()].flatMap(({ id, problem }) =>
      problem === undefined ? [] : [`service ${id} ${problem}`],
    );
  }

  private of(id: string): ReportedService {
    const known = this.services.get(id);
    if (known) return known;
    if (!ID.test(id) || this.reserved.has(id)) throw new ControlError('INVALID_ARGUMENT', 'no id for a container');
    if (this.services.size >= MAX_REPORTED) throw new ControlError('RESOURCE_EXHAUSTED', 'too many containers');
    const service = new ReportedService(id, this.context);
    this.services.set(id, service);
    return service;
  }
}
