/**
 * A containerd of one of the image's runtimes, from its Debian package and with the image's own configuration, in a user namespace: the one that
 * nodes have, as far as a host can run it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerdConnection, containerdVersion, isUnavailable } from '../../../lib/containerd/index.js';
import { fetchPackages } from '../../../lib/image/packages.js';
import { type ContainerRuntime, findRuntime, readRuntimes } from '../../../lib/image/runtimes.js';
import { checkout } from '../../helpers/checkout.js';

const START_MS = 60_000;
const LOOK_AGAIN_MS = 50;

/** All that an image can have. */
export const runtimes = await readRuntimes(checkout);

export class RealContainerd implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    private readonly program: string,
    readonly socketPath: string,
    private process: ChildProcess,
  ) {}

  /** @param name  row of rootfs/runtimes.json; the default one unless said otherwise */
  static async start(name?: string): Promise<RealContainerd> {
    const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const runtime = await findRuntime(checkout, name);
    const { suites, packages: names } = runtime;
    const { folder: packages } = await fetchPackages(names, arch, () => {}, { suites });
    const program = join(packages, 'containerd/usr/bin/containerd');
    const folder = await mkdtemp(join(tmpdir(), 'containerd-'));
    await mkdir(join(folder, 'cni'));
    await writeFile(join(folder, 'config.toml'), await configuration(runtime, folder));
    const made = new RealContainerd(folder, program, join(folder, 'containerd.sock'), run(program, folder));
    await made.serving();
    return made;
  }

  /** What it has written to its log since it was started for the first time. */
  log(): Promise<string> {
    return readFile(join(this.folder, 'log'), 'utf8');
  }

  /** SIGKILL, and another one in the same folders. */
  async startAgain(): Promise<void> {
    await this.end();
    this.process = run(this.program, this.folder);
    await this.serving();
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async serving(): Promise<void> {
    const connection = new ContainerdConnection(this.socketPath);
    const until = Date.now() + START_MS;
    try {
      for (;;) {
        try {
          await containerdVersion(connection);
          return;
        } catch (error) {
          const isOver = Date.now() > until || this.process.exitCode !== null;
          if (!isUnavailable(error)) throw error;
          if (isOver) throw new Error(`containerd does not serve:\n${await this.log()}`, { cause: error });
          await sleep(LOOK_AGAIN_MS);
        }
      }
    } finally {
      connection.close();
    }
  }
}

/** The image's, with folders below this one. */
async function configuration({ configVersion }: ContainerRuntime, folder: string): Promise<string> {
  const file = join(checkout, `rootfs/files/etc/containerd/config-v${configVersion}.toml`);
  return (await readFile(file, 'utf8'))
    .replaceAll('"/var/lib/containerd"', JSON.stringify(join(folder, 'root')))
    .replaceAll('"/run/containerd"', JSON.stringify(join(folder, 'state')))
    .replaceAll('"/run/containerd/', `"${folder}/`)
    .replaceAll('"/etc/cni/', `"${folder}/cni/`);
}

function run(program: string, folder: string): ChildProcess {
  // With a /proc of its own: containerd tells its clients in which name space of processes it is.
  const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--mount-proc', '--fork', '--kill-child'];
  const command = [program, '--config', join(folder, 'config.toml')];
  const child = spawn('unshare', [...namespaces, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.pipe(createWriteStream(join(folder, 'log'), { flags: 'a' }));
  return child;
}
