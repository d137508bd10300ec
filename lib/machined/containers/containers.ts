/** The node's containers: looks after containerd, runs the services that are containers, and answers what the API asks about any. */
import { closeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSignals } from '../../base/abort.js';
import { errorCode, errorMessage } from '../../base/errors.js';
import type { ContainerdConnection } from '../../containerd/index.js';
import type { ControlClient } from '../../control/client.js';
import { ControlError } from '../../control/errors.js';
import type { ServiceAction } from '../../control/protocol.js';
import type { ChannelModule, FileDescriptor } from '../../native/contract.js';
import { ContainerService } from './container-service.js';
import type { ContainerdFolder } from './containerd-folder.js';
import { ContainerdWatch } from './containerd-watch.js';
import { ControlDoor } from './control-door.js';
import { type ContainerDefinition, parseContainerDefinition } from './definition.js';
import type { ContainerLog, ContainerRuntime } from './runtime.js';
import { hasShims } from './shims.js';

export interface ContainersOptions {
  init: Pick<ControlClient, 'request'>;
  channels: Pick<ChannelModule, 'listen' | 'open'>;
  log(text: string): void;
  /** What containerd keeps. */
  containerdFolder?: Pick<ContainerdFolder, 'silent' | 'answered'>;
  /** Definitions, and the archive of their image; in the root image unless a test says otherwise. */
  folder?: string;
  archive?: string;
  socketPath?: string;
  /** Bound of the back-off; 30 s but on nodes of tests. */
  maxRestartDelayMs?(): Promise<number>;
}

const FOLDER = '/usr/share/talos/containers';
const ARCHIVE = '/usr/share/talos/images/service.tar';
const SOCKET = '/run/containerd/containerd.sock';
const CONTAINERD_ID = 'containerd';
/** What is left of pods when the node goes down gets this long after SIGTERM. */
const POD_GRACE_MS = 8000;

export class Containers {
  private readonly services = new Map<string, ContainerService>();
  private readonly stopped = new AbortController();
  private readonly watch: ContainerdWatch;
  private open: ContainerdConnection | undefined;
  private runtime: ContainerRuntime | undefined;
  private maxRestartDelayMs: number | undefined;

  constructor(private readonly options: ContainersOptions) {
    this.watch = new ContainerdWatch({
      socketPath: options.socketPath ?? SOCKET,
      connect: () => this.connect(),
      report: (healthy, message) => this.tell('reportHealth', { healthy, message, service: CONTAINERD_ID }),
      silent: async () => options.containerdFolder?.silent(),
      answered: async () => options.containerdFolder?.answered(),
    });
  }

  /**
   * Starts what is to run, and goes on until the process ends.
   * @param kind  of this node, which it has until its next boot
   */
  async start(kind: 'controlplane' | 'worker'): Promise<void> {
    const { folder = FOLDER } = this.options;
    void this.watch.run(this.stopped.signal);
    this.maxRestartDelayMs = await this.options.maxRestartDelayMs?.();
    for (const definition of await this.definitions(folder)) {
      if (definition.on !== 'all' && definition.on !== kind) continue;
      if (definition.control) await this.openDoor(definition);
      const service = this.service(definition);
      this.services.set(service.id, service);
      service.show();
      void service.keep().catch((error: unknown) => {
        this.options.log(`service ${service.id} is not kept any more: ${errorMessage(error)}`);
      });
    }
  }

  /** The connection to containerd. @throws ControlError UNAVAILABLE  it has never answered so far */
  get connection(): ContainerdConnection {
    if (this.open === undefined) throw new ControlError('UNAVAILABLE', 'containerd does not run yet');
    return this.open;
  }

  /** Resolves when containerd answers; at once if it did the last time. Rejects with the reason of the signal, or when the node goes down. */
  ready(signal: AbortSignal): Promise<void> {
    return withSignals([signal, this.stopped.signal], (ends) => this.watch.ready(ends));
  }

  /** By request of the API, through init. */
  ask(id: string, action: ServiceAction): void {
    if (!this.stopped.signal.aborted) this.services.get(id)?.ask(action);
  }

  /** The node goes down: everything in containers ends, pods too, and nothing is started again. Rejects when containerd cannot be asked. */
  async stop(): Promise<void> {
    this.stopped.abort();
    // A containerd that is just starting, and has nothing to end, is not waited for.
    if (this.open === undefined || !(await hasShims())) return;
    const { stopNamespace } = await import('./stop-namespace.js');
    await stopNamespace(this.open, 'k8s.io', POD_GRACE_MS);
    // One that cannot be told to end is ended with what is left.
    await Promise.allSettled([...this.services.values()].map((service) => service.stop()));
    await stopNamespace(this.open, 'system', 0);
  }

  /** gRPC is loaded with the first connection: a node that boots has other things to do. */
  private async connect() {
    const { archive = ARCHIVE } = this.options;
    const { ContainerdConnection, containerdVersion, isServing } = await import('../../containerd/index.js');
    const { containerdRuntime } = await import('./containerd-runtime.js');
    const connection = new ContainerdConnection(this.options.socketPath ?? SOCKET);
    this.open = connection;
    this.runtime = containerdRuntime(connection, archive);
    return {
      version: (timeoutMs: number) => containerdVersion(connection, timeoutMs),
      isServing: (timeoutMs: number) => isServing(connection, timeoutMs),
    };
  }

  /** Before it is started: its process connects at once. One without a door is started all the same, and says what it misses. */
  private async openDoor(definition: ContainerDefinition): Promise<void> {
    const { channels, log } = this.options;
    const door = new ControlDoor(definition, {
      channels,
      openControl: (id) => this.openControl(id),
      log,
      sleep: (ms) => sleep(ms, undefined, { ref: false }),
    });
    await door
      .open()
      .catch((error: unknown) => log(`control socket of ${definition.id} was not made: ${errorMessage(error)}`));
  }

  private async openControl(id: string): Promise<FileDescriptor> {
    const { descriptors } = await this.options.init.request('openContainerControl', { id });
    const [control, ...others] = descriptors;
    for (const other of others) other.close();
    if (control === undefined) throw new Error('init sent no control connection');
    return control;
  }

  private service(definition: ContainerDefinition): ContainerService {
    const runtime = () => {
      // Nothing is asked of it before containerd has answered.
      if (this.runtime === undefined) throw new ControlError('UNAVAILABLE', 'containerd does not run yet');
      return this.runtime;
    };
    const { maxRestartDelayMs } = this;
    return new ContainerService(definition, {
      ...(maxRestartDelayMs !== undefined && { maxRestartDelayMs }),
      get runtime() {
        return runtime();
      },
      ready: () => this.watch.ready(this.stopped.signal),
      lost: () => this.watch.lost(),
      openLog: (id) => this.openLog(id),
      report: (report) => this.tell('reportContainer', report),
      sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
      nowMs: () => performance.now(),
    });
  }

  private async definitions(folder: string): Promise<ContainerDefinition[]> {
    const names = await readdir(folder).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    const found: ContainerDefinition[] = [];
    for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
      try {
        found.push(
          parseContainerDefinition(name.slice(0, -'.json'.length), await readFile(join(folder, name), 'utf8')),
        );
      } catch (error) {
        this.options.log(errorMessage(error));
      }
    }
    return found;
  }

  /**
   * The reading ends of a container's output are init's. Its shim opens the writing ends by way of this process, which must have them until it
   * has; a FIFO somewhere in the file system would be there for others as well.
   */
  private async openLog(id: string): Promise<ContainerLog> {
    const { descriptors } = await this.options.init.request('openContainerLog', { id });
    const numbers = descriptors.map((descriptor) => descriptor.releaseNumber());
    const [stdout, stderr] = numbers.map((number) => `/proc/${process.pid}/fd/${number}`);
    return {
      stdout: stdout ?? '',
      stderr: stderr ?? '',
      close: () => {
        for (const number of numbers) closeSync(number);
      },
    };
  }

  private tell(method: 'reportHealth' | 'reportContainer', body: object): void {
    this.options.init
      .request(method, body as never)
      .catch((error: unknown) => this.options.log(`init was not told: ${errorMessage(error)}`));
  }
}
