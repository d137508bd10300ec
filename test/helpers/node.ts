/** A booted node of the test image, driven through osctl, with a home and a client configuration of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConsoleFollower, type ConsoleLine } from '../../lib/cluster/console-log.js';
import { createCluster } from '../../lib/cluster/create.js';
import { connectQmp } from '../../lib/cluster/node-control.js';
import { clustersDir } from '../../lib/cluster/paths.js';
import { isRunning } from '../../lib/cluster/process-identity.js';
import type { QmpClient } from '../../lib/cluster/qmp.js';
import { type NodeState, readState } from '../../lib/cluster/state.js';
import { API_LISTENING } from '../../lib/cluster/wait-for-api.js';
import { within } from './deadline.js';
import { testImage } from './images.js';
import { type OsctlResult, OsctlStream, runOsctl } from './osctl.js';

/** From QEMU's start to an answer of the API, on two busy processors without KVM. */
const bootTimeoutMs = 90_000;

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
    readonly clusterName: string,
    readonly state: NodeState,
    /** The serial console; lines already there can be waited for, too. */
    readonly console: ConsoleFollower,
  ) {}

  /** Creates a cluster of one node from the test image (or, without `layer`, from what is shipped) and waits for its API. */
  static async create(options: {
    name: string;
    layer?: 'test';
    memoryMiB?: number;
    /** Behind those that every node has. */
    kernelArguments?: string;
  }): Promise<TestNode> {
    const { name, layer, memoryMiB, kernelArguments } = options;
    const home = await TestHome.create();
    try {
      const words = ['cluster', 'create', '--name', name, ...(layer ? ['--layer', layer] : [])];
      if (memoryMiB) words.push('--memory', String(memoryMiB));
      if (kernelArguments) words.push('--extra-kernel-args', kernelArguments);
      await home.succeed(words, 2 * bootTimeoutMs);
      const state = await readState(clustersDir(home.environment), name);
      const node = await TestNode.#of(home, name, state?.nodes[0]);
      // The console is read from its beginning: what it says from here on is later than the boot.
      await node.waitForApi(0);
      return node;
    } catch (error) {
      await home.osctl(['cluster', 'destroy', '--name', name]).catch(() => {});
      await home[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Boots a node of the test image that gets no config; its disk is made all the same (`state.configDisk`). */
  static async createWaiting(options: { name: string; kernelArguments?: string }): Promise<TestNode> {
    const home = await TestHome.create();
    try {
      const { kernel, initramfs, rootHash } = await testImage();
      const { nodes } = await createCluster({
        name: options.name,
        kernel,
        initramfs,
        rootHash,
        withConfigDisk: false,
        ...(options.kernelArguments && { extraKernelArguments: [options.kernelArguments] }),
        environment: home.environment,
      });
      return await TestNode.#of(home, options.name, nodes[0]);
    } catch (error) {
      await home[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Boots a node of the test image on the kernel of the test guest, which has a keyboard, and waits for its API.
   * @param options.kernelArguments  more of them
   */
  static async createOnTestKernel(options: { name: string; kernelArguments: string[] }): Promise<TestNode> {
    const home = await TestHome.create();
    try {
      const { kernel, initramfs, rootHash } = await testImage('test');
      const { nodes } = await createCluster({
        name: options.name,
        kernel,
        initramfs,
        rootHash,
        extraKernelArguments: options.kernelArguments,
        environment: home.environment,
      });
      const node = await TestNode.#of(home, options.name, nodes[0]);
      await node.waitForApi(0);
      return node;
    } catch (error) {
      await home.osctl(['cluster', 'destroy', '--name', options.name]).catch(() => {});
      await home[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #of(home: TestHome, name: string, state: NodeState | undefined): Promise<TestNode> {
    if (!state) throw new Error(`cluster ${name} has no node`);
    return new TestNode(home, name, state, await ConsoleFollower.open(state.consoleLog));
  }

  /** Whether the node's QEMU is there. */
  get isPoweredOn(): boolean {
    return isRunning(this.state.process);
  }

  /** A connection to QEMU's control socket; its 'close' tells that QEMU has ended. */
  qmp(): Promise<QmpClient> {
    return connectQmp(this.state);
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
    await this.home[Symbol.asyncDispose]();
  }
}
