/** A booted node of the test image, driven through osctl, with a home and a client configuration of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Architecture } from '../../lib/base/architecture.js';
import { type PortReservation, reservePort } from '../../lib/cluster/api-port.js';
import { ConsoleFollower, type ConsoleLine } from '../../lib/cluster/console-log.js';
import { type CreateOptions, createCluster, DEFAULT_DISK_BYTES } from '../../lib/cluster/create.js';
import { connectQmp } from '../../lib/cluster/node-control.js';
import { clustersDir } from '../../lib/cluster/paths.js';
import { isRunning } from '../../lib/cluster/process-identity.js';
import type { QmpClient } from '../../lib/cluster/qmp.js';
import { type ClusterState, type NodeState, readState } from '../../lib/cluster/state.js';
import { API_LISTENING } from '../../lib/cluster/wait-for-api.js';
import type { Artifacts } from '../../lib/image/artifacts.js';
import { testArchitecture } from './architecture.js';
import { seconds, within } from './deadline.js';
import { KUBERNETES_VERSION, kubernetesTestImage, testImage } from './images.js';
import { type OsctlResult, OsctlStream, runOsctl } from './osctl.js';
import { cutPower, type Machine, machineOf, startAgain } from './power-cut.js';

/** From QEMU's start to an answer of the API, on two busy processors without KVM. */
const bootTimeoutMs = seconds(90);

/** A control plane takes 1.2 GiB; the rest keeps what it reads. */
const KUBERNETES_MEMORY_MIB = 4096;

/** A folder that stands for a user's home: osctl finds nothing of the real one there, but the caches of built images. */
export class TestHome implements AsyncDisposable {
  readonly environment: NodeJS.ProcessEnv;

  private constructor(readonly folder: string) {
    this.environment = {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      HOME: folder,
      TALOS_HOME: join(folder, '.talos'),
      TALOSCONFIG: join(folder, 'talosconfig'),
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    };
  }

  static async create(): Promise<TestHome> {
    return new TestHome(await mkdtemp(join(tmpdir(), 'talos-test-')));
  }

  /** Runs osctl to its end. */
  osctl(words: string[], timeoutMs?: number): Promise<OsctlResult> {
    return runOsctl(words, this.environment, timeoutMs);
  }

  /** Runs an osctl that must succeed, and reads its standard output as JSON. */
  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse((await this.succeed(['-o', 'json', ...words])).stdout) as T;
  }

  /** Runs an osctl that must succeed. */
  async succeed(words: string[], timeoutMs?: number): Promise<OsctlResult> {
    const result = await this.osctl(words, timeoutMs);
    if (result.code !== 0) {
      throw new Error(`osctl ${words.join(' ')}: exit code ${result.code}\n${result.stderr}${result.stdout}`);
    }
    return result;
  }

  /** Starts an osctl that runs on. End it with `stop()`. */
  stream(...words: string[]): OsctlStream {
    return new OsctlStream(words, this.environment);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export class TestNode implements AsyncDisposable {
  private constructor(
    readonly home: TestHome,
    readonly arch: Architecture,
    readonly clusterName: string,
    public state: NodeState,
    /** The serial console; lines already there can be waited for, too. */
    readonly console: ConsoleFollower,
    /** The node's port stays its own while its machine is off. */
    readonly port: PortReservation | undefined,
  ) {}

  /** Creates a cluster of one node from the test image (or, without `layer`, from what is shipped) and waits for its API. */
  static async create(options: {
    name: string;
    /** That of the test run unless said otherwise. */
    arch?: Architecture;
    layer?: 'test';
    memoryMiB?: number;
    /** Behind those that every node has. */
    kernelArguments?: string;
    /** More of `osctl cluster create`. */
    flags?: string[];
  }): Promise<TestNode> {
    const { name, arch = testArchitecture, layer, memoryMiB, kernelArguments, flags = [] } = options;
    const node = await TestNode.#make(name, arch, async (home) => {
      const words = ['cluster', 'create', '--name', name, '--arch', arch, ...(layer ? ['--layer', layer] : [])];
      if (memoryMiB) words.push('--memory', String(memoryMiB));
      if (kernelArguments) words.push('--extra-kernel-args', kernelArguments);
      await home.succeed([...words, ...flags], 2 * bootTimeoutMs);
      return readState(clustersDir(home.environment), name);
    });
    return node.#answering();
  }

  /** Boots a node of the test image that gets no config; its disk is made all the same (`state.configDisk`). */
  static createWaiting({ name, kernelArguments }: { name: string; kernelArguments?: string }): Promise<TestNode> {
    const extraKernelArguments = kernelArguments ? [kernelArguments] : [];
    return TestNode.#boot(name, testImage, { withConfigDisk: false, extraKernelArguments });
  }

  /**
   * Boots a node of the test image on the kernel of the test guest, which has a keyboard, and waits for its API.
   * @param options.kernelArguments  more of them
   */
  static async createOnTestKernel(options: { name: string; kernelArguments: string[] }): Promise<TestNode> {
    const more = { extraKernelArguments: options.kernelArguments };
    return (await TestNode.#boot(options.name, () => testImage('test'), more)).#answering();
  }

  /**
   * Boots a control plane whose image has Kubernetes, and waits for its machine API: no cluster is begun yet.
   * @returns the node, and the file with the Kubernetes administrator's access to it
   */
  static async createWithKubernetes({ name }: { name: string }): Promise<{ node: TestNode; kubeconfig: string }> {
    const booted = await TestNode.#boot(name, kubernetesTestImage, {
      memoryMib: KUBERNETES_MEMORY_MIB,
      diskBytes: DEFAULT_DISK_BYTES,
      // Without a probe nothing is waited for, and nobody is told to begin.
      kubernetes: { version: KUBERNETES_VERSION, bootstrap: async () => {} },
    });
    const node = await booted.#answering();
    const state = await readState(clustersDir(node.home.environment), name);
    return { node, kubeconfig: state?.kubernetes?.kubeconfig ?? '' };
  }

  /** Boots a node by what `osctl cluster create` itself calls. Nothing is waited for. */
  static #boot(name: string, image: () => Promise<Artifacts>, more: Partial<CreateOptions>): Promise<TestNode> {
    return TestNode.#make(name, testArchitecture, async ({ environment }) => {
      const { kernel, initramfs, rootDisk, rootHash } = await image();
      const files = { kernel, initramfs, rootDisk, rootHash };
      return createCluster({ name, arch: testArchitecture, ...files, environment, ...more });
    });
  }

  /** A node in a home of its own; of what could not be made nothing stays. */
  static async #make(
    name: string,
    arch: Architecture,
    make: (home: TestHome) => Promise<ClusterState | undefined>,
  ): Promise<TestNode> {
    const home = await TestHome.create();
    try {
      const state = (await make(home))?.nodes[0];
      if (!state) throw new Error(`cluster ${name} has no node`);
      const port = await reservePort(Number(state.endpoint.split(':').at(-1)));
      return new TestNode(home, arch, name, state, await ConsoleFollower.open(state.consoleLog), port);
    } catch (error) {
      await home.osctl(['cluster', 'destroy', '--name', name]).catch(() => {});
      await home[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits for its API. The console is read from its beginning: what it says from here on is later than the boot. */
  async #answering(): Promise<this> {
    try {
      await this.waitForApi(0);
      return this;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether the node's QEMU is there. */
  get isPoweredOn(): boolean {
    return isRunning(this.state.process);
  }

  /** A connection to QEMU's control socket; its 'close' tells that QEMU has ended. */
  qmp(): Promise<QmpClient> {
    return connectQmp(this.state);
  }

  /**
   * Pulls the plug and puts it back in.
   * @param change  what becomes of the machine meanwhile
   * @returns the place of its first new line on the console
   */
  async cutPower(change: (machine: Machine) => Machine = (same) => same): Promise<number> {
    const machine = machineOf(this.state);
    await cutPower(this.state);
    return await this.startAgain(change(machine));
  }

  /** Starts a machine that is off. @returns the place of its first new line on the console */
  async startAgain(machine: Machine): Promise<number> {
    const mark = this.consoleMark;
    this.state = await startAgain(machine, clustersDir(this.home.environment), this.clusterName);
    return mark;
  }

  /** How many lines the console has; pass it as `after` to wait for what comes later. */
  get consoleMark(): number {
    return this.console.lines.length;
  }

  /** Waits for a line on the console. */
  waitForConsole(pattern: RegExp, options: { after?: number; timeoutMs?: number } = {}): Promise<ConsoleLine> {
    const { after = 0, timeoutMs = bootTimeoutMs } = options;
    return within(timeoutMs, `console line ${pattern}`, this.console.waitFor(pattern, { after }), () =>
      this.consoleTail(),
    );
  }

  /** Waits until a kernel has started behind the mark, and gives the place of its first line. */
  async waitForBoot(after: number): Promise<number> {
    return this.console.lines.indexOf(await this.waitForConsole(/Linux version/, { after }));
  }

  /** Waits until osd says that it listens, on a boot that begins behind the mark. */
  async waitForApi(after: number): Promise<void> {
    await this.waitForConsole(API_LISTENING, { after });
  }

  /** The newest lines of the console, for messages. */
  consoleTail(count = 20): string {
    return this.console.lines
      .slice(-count)
      .map((line) => `  | ${line.text}`)
      .join('\n');
  }

  /** What QEMU said, which is nothing as a rule, goes into the log of the test: a node that is gone is gone for that reason. */
  async #tellEmulator(): Promise<void> {
    const file = join(dirname(this.state.consoleLog), `${this.state.name}.qemu.log`);
    const said = await readFile(file, 'utf8').catch(() => '');
    if (said !== '') process.stderr.write(`QEMU of ${this.state.name}:\n${said}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.console.close();
    await this.#tellEmulator();
    await this.home.osctl(['cluster', 'destroy', '--name', this.clusterName]);
    this.port?.end();
    await this.home[Symbol.asyncDispose]();
  }
}
