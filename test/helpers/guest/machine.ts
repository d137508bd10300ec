/**
 * The test guest: QEMU with our kernel of profile `test`, a small initramfs, and the checkout shared read-only at its own path.
 *
 * States: booting -> ready <-> running -> over. Whatever ends QEMU early (a panic, an error of the guest's init, the deadline)
 * rejects what is being waited for with a GuestError that carries the end of the console.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { ACCELERATOR_OPTION } from '../../../lib/cluster/accelerator.js';
import type { Accelerator, Machine } from '../../../lib/cluster/machines.js';
import { encodeJob, type Job, parseEnd } from './protocol.js';

const ports = ['control', 'stdout', 'stderr'] as const;
type Port = (typeof ports)[number];

/** softdog.soft_noboot: the software watchdog says what it would do, and does nothing. */
const KERNEL_PARAMETERS = ['quiet', 'panic=-1', 'printk.devkmsg=on', 'softdog.soft_noboot=1'];

/** How much of the console is kept for the report of a failure. */
const consoleBytes = 64 * 1024;

export interface GuestOptions {
  machine: Machine;
  accelerator: Accelerator;
  kernel: string;
  initramfs: string;
  /** Folder that the guest sees read-only at the same path. */
  checkout: string;
  /** More such folders. */
  shares: string[];
  kernelParameters: string[];
  cpus: number;
  memoryMiB: number;
  /** From the start of QEMU until the guest's init has answered. */
  bootDeadlineMs: number;
}

/** The machine itself failed, not the program that ran in it. */
export class GuestError extends Error {
  override name = 'GuestError';
  constructor(
    message: string,
    /** The end of the serial console. */
    readonly consoleTail: string,
    /** True: the time was over, the machine was still there. */
    readonly deadline: boolean,
  ) {
    super(message);
  }
}

export interface JobResult {
  /** Exit code as a shell gives it: 128 + number for a signal. */
  exitCode: number;
}

/** Counts what arrives on a port and passes it on, holding the guest back while `target` is full. */
class Sink {
  received = 0;
  target: Writable | undefined;
  /** Called after each chunk. */
  progress: () => void = () => {};

  connect(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      if (this.target && !this.target.write(chunk)) {
        socket.pause();
        this.target.once('drain', () => socket.resume());
      }
      this.progress();
    });
  }
}

export class Guest implements AsyncDisposable {
  #process: ChildProcess | undefined;
  #folder = '';
  #servers: Server[] = [];
  #sockets: Partial<Record<Port, Socket>> = {};
  #console = Buffer.alloc(0);
  #sinks = { stdout: new Sink(), stderr: new Sink() };
  #lines: string[] = [];
  #text = '';
  #wake: () => void = () => {};
  #over: string | undefined;

  private constructor(readonly options: GuestOptions) {}

  /** Boots a guest and waits until its init answers. */
  static async boot(options: GuestOptions): Promise<Guest> {
    const guest = new Guest(options);
    try {
      await guest.#start();
      await guest.#until(() => guest.#lines.includes('ready'), options.bootDeadlineMs, 'boot');
      return guest;
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The end of the serial console, as text. */
  get consoleTail(): string {
    return this.#console.toString('utf8');
  }

  /** Runs one program to its end; what it writes goes to the two streams byte by byte. One at a time. */
  async run(job: Job, deadlineMs: number, output: { stdout: Writable; stderr: Writable }): Promise<JobResult> {
    const { stdout, stderr } = this.#sinks;
    const before = { stdout: stdout.received, stderr: stderr.received };
    stdout.target = output.stdout;
    stderr.target = output.stderr;
    this.#lines = [];
    this.#sockets.control?.write(encodeJob(job));
    let end: ReturnType<typeof parseEnd>;
    await this.#until(
      () => {
        end ??= this.#lines.map(parseEnd).find((line) => line !== undefined);
        return (
          end !== undefined &&
          stdout.received - before.stdout >= end.stdoutBytes &&
          stderr.received - before.stderr >= end.stderrBytes
        );
      },
      deadlineMs,
      job.argv.slice(1).join(' ') || (job.argv[0] ?? ''),
    );
    const { code, signal } = end as NonNullable<typeof end>;
    return { exitCode: signal === 0 ? code : 128 + signal };
  }

  /** Ends QEMU (nothing in the guest is worth saving) and removes what was made for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    for (const socket of Object.values(this.#sockets)) socket.destroy();
    for (const server of this.#servers) server.close();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'guest-'));
    for (const port of ports) await this.#listen(port);
    const child = spawn(this.options.machine.qemu, this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const keep = (chunk: Buffer) => {
      this.#console = Buffer.concat([this.#console, chunk]).subarray(-consoleBytes);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => this.#end(`cannot run ${this.options.machine.qemu}: ${error.message}`));
    // 'close' rather than 'exit': the console has been read to its end by then.
    child.on('close', (code, signal) => this.#end(`QEMU ended (${signal ?? `exit code ${code}`})`));
  }

  async #listen(port: Port): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets[port] = socket;
      // A reset when QEMU is killed is the end that we asked for.
      socket.on('error', () => {});
      if (port === 'control') socket.on('data', (chunk: Buffer) => this.#receive(chunk));
      else this.#sinks[port].connect(socket);
    });
    this.#servers.push(server);
    server.listen(join(this.#folder, port));
    await once(server, 'listening');
  }

  #arguments(): string[] {
    const { machine, accelerator, kernel, initramfs, checkout, shares, kernelParameters, cpus, memoryMiB } =
      this.options;
    // A comma ends an option of QEMU's; doubled it stands for itself.
    const path = (name: string) => name.replaceAll(',', ',,');
    const portArguments = ports.flatMap((port) => [
      '-chardev',
      `socket,id=${port},path=${path(join(this.#folder, port))}`,
      '-device',
      `virtserialport,chardev=${port},name=talos.${port}`,
    ]);
    const shareArguments = [checkout, ...shares].flatMap((folder, index) => [
      '-fsdev',
      `local,id=share${index},path=${path(folder)},security_model=none,readonly=on,multidevs=remap`,
      '-device',
      `virtio-9p-pci,fsdev=share${index},mount_tag=share${index}`,
    ]);
    return [
      ...[
        '-accel',
        ACCELERATOR_OPTION[accelerator],
        '-machine',
        machine.machine[accelerator],
        '-cpu',
        machine.cpu[accelerator],
      ],
      ...['-smp', String(cpus), '-m', String(memoryMiB)],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-monitor', 'none'],
      ...['-kernel', kernel, '-initrd', initramfs],
      ...[
        '-append',
        [
          `console=${machine.console}`,
          ...KERNEL_PARAMETERS,
          ...machine.kernelParameters[accelerator],
          ...kernelParameters,
        ].join(' '),
      ],
      ...shareArguments,
      ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
      ...portArguments,
    ];
  }

  #receive(chunk: Buffer): void {
    const lines = (this.#text + chunk.toString('latin1')).split('\n');
    this.#text = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#wake();
  }

  #end(reason: string): void {
    this.#over ??= reason;
    this.#wake();
  }

  /** Waits until `done` says so; it is asked again whenever something has arrived. */
  async #until(done: () => boolean, deadlineMs: number, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string, deadline = false) =>
          reject(new GuestError(`${what}: ${reason}`, this.consoleTail, deadline));
        const check = () => {
          if (done()) resolve();
          else if (this.#over !== undefined) fail(this.#over);
        };
        timer = setTimeout(() => fail(`not over within ${deadlineMs / 1000} s`, true), deadlineMs);
        this.#wake = check;
        this.#sinks.stdout.progress = check;
        this.#sinks.stderr.progress = check;
        check();
      });
    } finally {
      clearTimeout(timer);
      this.#wake = () => {};
    }
  }
}
