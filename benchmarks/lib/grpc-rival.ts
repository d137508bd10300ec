/** The rival of our log streams and calls: grpc-go of Debian trixie, built by trixie's Go, in the build cache. Nothing of it is installed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cached, hashFile } from '../../lib/base/build-cache.js';
import { PrivateApt, unpackPackage } from '../../lib/image/apt.js';
import { IMAGE_SUITES } from '../../lib/image/packages.js';
import { checkout } from './report.js';

const GO = '1.24';
/** The Go tools and the sources of all that the program imports. */
const PACKAGES = [
  ...[`golang-${GO}-go`, `golang-${GO}-src`, 'golang-google-grpc-dev', 'golang-google-protobuf-dev'],
  ...['golang-github-golang-protobuf-1-5-dev', 'golang-google-genproto-dev'],
  ...['golang-golang-x-net-dev', 'golang-golang-x-sys-dev', 'golang-golang-x-text-dev'],
];

/** Builds it unless it is there. @returns the program: static, so that it runs in the test guest too */
export async function grpcRival(): Promise<string> {
  const source = join(checkout, 'benchmarks/lib/grpc_rival.go');
  const folder = await cached({
    kind: 'grpc-rival',
    inputs: { recipe: 1, packages: PACKAGES, suites: IMAGE_SUITES, source: await hashFile(source) },
    onProgress: (text) => process.stderr.write(`${text}\n`),
    make: async (made) => {
      const [apt, archives, root] = [join(made, 'apt'), join(made, 'archives'), join(made, 'root')];
      await mkdir(archives, { recursive: true });
      const packages = await (await PrivateApt.open(apt, IMAGE_SUITES, 'amd64')).download(PACKAGES, archives);
      for (const { file } of packages) await unpackPackage(file, root);
      const goRoot = join(root, 'usr/lib', `go-${GO}`);
      const env = {
        PATH: '/usr/bin:/bin',
        GOROOT: goRoot,
        GOPATH: join(root, 'usr/share/gocode'),
        GOCACHE: join(made, 'cache'),
        GO111MODULE: 'off',
        CGO_ENABLED: '0',
      };
      const argv = ['build', '-trimpath', '-ldflags=-s -w', '-o', join(made, 'grpc_rival'), source];
      await promisify(execFile)(join(goRoot, 'bin/go'), argv, { env });
      for (const part of [apt, archives, root, join(made, 'cache')]) await rm(part, { recursive: true, force: true });
    },
  });
  return join(folder, 'grpc_rival');
}

/** Its server of a log stream, which holds the file in memory. */
export function startRival(program: string, credentials: string, file: string): Promise<RivalServer> {
  return start([program, 'serve', credentials, file]);
}

/**
 * Its server of unary calls.
 * @param service  as in the path of its calls
 * @param answers  files with an encoded message each, by the name of the method that it answers
 */
export function startAnsweringRival(
  program: string,
  credentials: string,
  service: string,
  answers: readonly string[],
): Promise<RivalServer> {
  return start([program, 'answer', credentials, service, ...answers]);
}

async function start([program, ...argv]: [string, ...string[]]): Promise<RivalServer> {
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return new RivalServer(child, Number(port));
}

export class RivalServer {
  constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  get pid(): number {
    return this.child.pid as number;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
