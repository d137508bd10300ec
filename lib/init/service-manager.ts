import { ControlError } from '../control/errors.js';
import type { ControlEvent, ServiceAction, Service as ServiceInfo } from '../control/protocol.js';
import type { LogRing } from '../native/contract.js';
import { INIT_ID, type ServiceDefinition } from './definition.js';
import type { ReportedServices } from './reported-services.js';
import { Service, type ServiceContext } from './service.js';
import type { ServiceProcesses } from './service-processes.js';

export interface ServiceManagerOptions {
  /** Everything a service needs but what the manager itself tells it. */
  context: Omit<ServiceContext, 'isGoingDown' | 'askDependencies' | 'changed'>;
  /** Log ring and cgroup of a new service; no cgroup where the kernel has none. */
  prepare(definition: ServiceDefinition): { ring: LogRing; group: ServiceProcesses | undefined };
  /** PID 1's own log, served under its own id. */
  ownRing: LogRing;
  /** How PID 1 shows itself. */
  ownInfo(): ServiceInfo;
  /** The state or the health of some service has changed. */
  changed(): void;
  /** Services that run in containers, which machined reports. */
  reported: ReportedServices;
  /** Passes a request for one of those on. @throws ControlError UNAVAILABLE */
  askForContainer(id: string, action: ServiceAction): void;
}

/** All services: starts them in order, holds back those whose dependencies do not run yet, stops them in reverse. */
export class ServiceManager {
  /** In starting order. */
  private readonly services = new Map<string, Service>();
  /** Those that this boot has started: without them the node is not what it should be. */
  private readonly expected = new Set<string>();
  private goingDown = false;
  private hasVolumes = false;

  constructor(private readonly options: ServiceManagerOptions) {}

  /**
   * Adds the services and starts those that start at boot. `definitions` is in starting order (loadDefinitions).
   * @param wanted  ids of services that this boot starts besides
   */
  start(definitions: ServiceDefinition[], wanted: readonly string[] = []): void {
    for (const definition of definitions) this.add(definition);
    this.reported.reserve([INIT_ID, ...this.services.keys()]);
    for (const service of this.services.values()) {
      if (service.definition.start === 'boot' || wanted.includes(service.id)) this.startExpected(service);
    }
  }

  /** It is decided where STATE and EPHEMERAL are. Told again by a machined that has started anew, which changes nothing. */
  volumesReady(): void {
    if (this.hasVolumes || this.goingDown) return;
    this.hasVolumes = true;
    for (const service of this.services.values()) {
      if (service.definition.start === 'volumes') this.startExpected(service);
    }
  }

  private startExpected(service: Service): void {
    this.expected.add(service.id);
    service.send({ kind: 'start' });
  }

  private add(definition: ServiceDefinition): void {
    const { context, prepare } = this.options;
    const { ring, group } = prepare(definition);
    const service = new Service(definition, ring, group, {
      ...context,
      isGoingDown: () => this.goingDown,
      askDependencies: (asking) => this.offer(asking),
      changed: () => {
        this.offerAll();
        this.options.changed();
      },
    });
    this.services.set(service.id, service);
  }

  get reported(): ReportedServices {
    return this.options.reported;
  }

  list(): ServiceInfo[] {
    const own = [...this.services.values()].map((service) => service.info());
    return [this.options.ownInfo(), ...own, ...this.reported.list()];
  }

  /** What is wrong with the services that the boot has started, a sentence each. */
  problems(): string[] {
    const own = [...this.services.values()]
      .filter(({ id, problem }) => this.expected.has(id) && problem !== undefined)
      .map(({ id, problem }) => `service ${id} ${problem}`);
    return [...own, ...this.reported.problems()];
  }

  /** Whether there is such a service, and it has a process. */
  isRunning(id: string): boolean {
    return this.services.get(id)?.state.kind === 'Running';
  }

  /** @throws ControlError NOT_FOUND naming the ids there are */
  ring(id: string): LogRing {
    if (id === INIT_ID) return this.options.ownRing;
    return this.reported.ring(id) ?? this.find(id).ring;
  }

  /** @throws ControlError NOT_FOUND naming the ids there are */
  find(id: string): Service {
    const service = this.services.get(id);
    if (service) return service;
    const ids = [INIT_ID, ...this.services.keys(), ...this.reported.ids()].join(', ');
    throw new ControlError('NOT_FOUND', `no service "${id}"; there are: ${ids}`);
  }

  /** To take what the process of a service says of itself, or to tell it something, in a container or not. @throws ControlError NOT_FOUND as find */
  speaker(id: string): Pick<Service, 'reportHealth' | 'reportListening' | 'connection'> {
    return this.reported.get(id) ?? this.find(id);
  }

  /**
   * Starts, stops or restarts by request; does not wait until that is done.
   * @returns a sentence for whoever asked
   * @throws ControlError NOT_FOUND · FAILED_PRECONDITION for PID 1 itself, or when the node goes down
   */
  request(id: string, action: ServiceAction): string {
    if (id === INIT_ID) {
      throw new ControlError('FAILED_PRECONDITION', `${INIT_ID} is PID 1: reboot the node instead`);
    }
    const reported = this.reported.state(id);
    const service = reported === undefined ? this.find(id) : undefined;
    if (this.goingDown && action !== 'STOP') {
      throw new ControlError('FAILED_PRECONDITION', 'the node is going down: nothing is started any more');
    }
    if (action !== 'STOP' && service?.lacksArguments) {
      throw new ControlError(
        'FAILED_PRECONDITION',
        `service "${id}" is started by itself once it is known what it is to do`,
      );
    }
    const kind = ({ START: 'start', STOP: 'stop', RESTART: 'restart' } as const)[action];
    const before = service?.state.kind ?? reported;
    if (service) service.send({ kind });
    else this.options.askForContainer(id, action);
    return `service "${id}": ${kind} requested while ${before}`;
  }

  /** From now on nothing is started, and what ends stays down. */
  denyStarts(): void {
    this.goingDown = true;
  }

  /**
   * Stops all services, one after the other in reverse order of starting. Each is killed after its own stop timeout.
   * @param except  ids of those that go on
   */
  async stopAll(except: readonly string[] = []): Promise<void> {
    this.denyStarts();
    for (const service of [...this.services.values()].reverse()) {
      if (except.includes(service.id)) continue;
      service.send({ kind: 'stop' });
      await service.idle();
    }
  }

  /** Stops those that need this one, and resolves when they have ended: on the way down they would start again what is being ended. */
  async stopDependentsOf(id: string): Promise<void> {
    const dependents = [...this.services.values()].filter(({ definition }) => definition.dependsOn.includes(id));
    for (const service of dependents) service.send({ kind: 'stop' });
    await Promise.all(dependents.map((service) => service.idle()));
  }

  /** Tells every service with a control connection. */
  tellAll(event: ControlEvent): void {
    for (const service of this.services.values()) service.connection?.sendEvent(event);
    this.reported.tellAll(event);
  }

  private offerAll(): void {
    for (const service of this.services.values()) this.offer(service);
  }

  private offer(service: Service): void {
    const { state, definition } = service;
    if (state.kind !== 'Waiting' || state.what !== 'dependencies') return;
    const isMet = definition.dependsOn.every((id) => this.services.get(id)?.state.kind === 'Running');
    if (isMet) service.send({ kind: 'dependencies-met' });
  }
}
