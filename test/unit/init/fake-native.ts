import type { ServiceProcesses } from '../../../lib/init/service-processes.js';
import type {
  Child,
  DescriptorModule,
  ExitStatus,
  FileDescriptor,
  LogRing,
  ProcessModule,
  RingSubscription,
  SpawnOptions,
} from '../../../lib/native/contract.js';
import { FakeChannels, FakeDescriptor } from '../control/fake-channel.js';

/** A process that does what the test says. */
export class FakeChild implements Child {
  readonly signals: string[] = [];
  readonly exited: Promise<ExitStatus>;
  private settle: (status: ExitStatus) => void = () => {};

  constructor(
    readonly pid: number,
    readonly options: SpawnOptions,
  ) {
    this.exited = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  kill(signal: string): boolean {
    this.signals.push(signal);
    return true;
  }

  exit(code: number): void {
    this.settle({ kind: 'exited', code });
  }

  die(signal: string): void {
    this.settle({ kind: 'signaled', signal, coreDumped: false });
  }
}

/** Remembers what was attached and written, and how many readers there are. */
export class FakeRing implements LogRing {
  readonly stats = { records: 0, bytes: 0, sizeBytes: 4096 };
  readonly attached: string[] = [];
  subscribers = 0;
  last = '';

  attach(pipe: FileDescriptor, stream: 'stdout' | 'stderr'): void {
    (pipe as FakeDescriptor).isTakenOver = true;
    (pipe as FakeDescriptor).isOpen = false;
    this.attached.push(stream);
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  write(text: string): void {
    this.last = text.trimEnd();
  }

  subscribe(): RingSubscription {
    this.subscribers++;
    let isOver = false;
    return {
      memory: new FakeDescriptor('memory'),
      doorbell: new FakeDescriptor('doorbell'),
      end: () => {
        if (!isOver) this.subscribers--;
        isOver = true;
      },
    };
  }

  lastLine(maxBytes: number): string {
    return this.last.slice(0, maxBytes);
  }

  close(): void {}
}

/** A cgroup that empties as soon as it is killed. */
export class FakeGroup implements ServiceProcesses {
  runs = 0;
  kills = 0;
  clears = 0;
  oomKills = 0;
  onOutOfMemory: (kills: number) => void = () => {};
  /** The group of the current run. */
  current: FakeDescriptor | undefined;

  constructor(readonly id: string) {}

  renew(): FileDescriptor {
    this.runs++;
    this.current = new FakeDescriptor(`system/${this.id}`);
    return this.current;
  }

  kill(): void {
    this.kills++;
  }

  async clear(): Promise<void> {
    this.clears++;
  }

  outOfMemoryKills(): number {
    return this.oomKills;
  }
}

/** The seam to the kernel as far as supervision needs it. */
export class FakeNative {
  readonly children: FakeChild[] = [];
  readonly descriptors: FakeDescriptor[] = [];
  /** Thrown by the next spawn. */
  spawnError: Error | undefined;
  readonly channel = new FakeChannels();

  readonly descriptor: Pick<DescriptorModule, 'pipe'> = {
    pipe: () => {
      const ends: [FakeDescriptor, FakeDescriptor] = [new FakeDescriptor('reader'), new FakeDescriptor('writer')];
      this.descriptors.push(...ends);
      return ends;
    },
  };

  readonly process: Pick<ProcessModule, 'spawn'> = {
    spawn: (options) => {
      const error = this.spawnError;
      this.spawnError = undefined;
      if (error) throw error;
      // The child has copies of its own, as after a real exec.
      const descriptors = options.descriptors?.map((descriptor) =>
        this.channel.duplicate(descriptor as FakeDescriptor),
      );
      const child = new FakeChild(100 + this.children.length, { ...options, ...(descriptors && { descriptors }) });
      this.children.push(child);
      return child;
    },
  };

  /** Descriptors of ours that are still open and were given to nobody. */
  get leaked(): string[] {
    return this.descriptors.filter(({ isOpen }) => isOpen).map(({ name }) => name);
  }

  /** The newest process with this executable. */
  childOf(file: string): FakeChild | undefined {
    return this.children.filter(({ options }) => options.file === file).at(-1);
  }
}
