/** Runs a Debian rival in the machine that a node of ours has: the same flags of QEMU, and a disk for what our initramfs carries. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withDeadline } from '../../lib/base/abort.js';
import { findApiPort } from '../../lib/cluster/api-port.js';
import { ConsoleFollower } from '../../lib/cluster/console-log.js';
import { MACHINES } from '../../lib/cluster/machines.js';
import { type MachineOptions, NODE_NETWORK, qemuArguments } from '../../lib/cluster/qemu-arguments.js';
import { cpuSeconds } from './cpu-seconds.js';
import type { DebianRival } from './debian-disk.js';

/** The machine; everything of it that a node of ours has too. */
export type RivalMachine = Pick<MachineOptions, 'machine' | 'disk' | 'network' | 'accelerator' | 'cpus' | 'memoryMib'>;

/** What differs between rivals. */
export interface RivalOptions {
  /** Ports of it that are reached from here besides that of the API. `host`: of 127.0.0.1, any that is free unless said otherwise. */
  readonly ports?: readonly { readonly guest: number; readonly host?: number }[];
  /** A second disk. */
  readonly seedDisk?: string | undefined;
  /** For the whole of it. */
  readonly patienceMs: number;
}

/** One that runs. */
export interface RunningRival {
  /** Of 127.0.0.1; leads to the port that nodes of ours have their API at. */
  readonly apiPort: number;
  /** Of 127.0.0.1, in the order of {@link RivalOptions.ports}. */
  readonly ports: readonly number[];
  /** Ends with the patience, or with QEMU. */
  readonly signal: AbortSignal;
  /** Since QEMU was started. */
  seconds(): number;
  /** CPU time of QEMU so far. */
  cpuSeconds(): number;
  /** Seconds at which a line with that text was on the console. */
  lineAt(text: string): Promise<number>;
}

/** Boots it, hands it to `use`, and ends it. What it writes to its disk is forgotten. */
export async function withRival<T>(
  rival: DebianRival,
  machine: RivalMachine,
  { ports = [], seedDisk, patienceMs }: RivalOptions,
  use: (running: RunningRival) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-rival-'));
  const consoleLog = path.join(folder, 'console.log');
  await writeFile(consoleLog, '');
  const apiPort = await findApiPort();
  const own: number[] = [];
  for (const { host } of ports) own.push(host ?? (await findApiPort()));
  const type = MACHINES[machine.machine];
  const forwards = ports.map(({ guest }, at) => `,hostfwd=tcp:127.0.0.1:${own[at]}-${NODE_NETWORK.address}:${guest}`);
  const words = qemuArguments({
    ...machine,
    name: 'rival',
    kernel: rival.kernel,
    initramfs: rival.initramfs,
    kernelArguments: [
      `console=${type.console}`,
      'quiet',
      'root=/dev/vda',
      'rw',
      ...type.kernelParameters[machine.accelerator],
    ],
    apiPort,
    consoleLog,
    qmpSocket: 'qmp.sock',
    configDisk: rival.disk,
    systemDisk: seedDisk,
  }).map((word) => (word.startsWith('user,id=net0') ? `${word}${forwards.join('')}` : word));
  const follower = await ConsoleFollower.open(consoleLog);
  const startedAtMs = performance.now();
  const qemu = spawn(type.qemu, [...words, '-snapshot'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const died = new AbortController();
  const ended = once(qemu, 'exit').finally(() => died.abort(new Error('QEMU ended before the rival was ready')));
  // Whoever waits for it then is told by the signal.
  ended.catch(() => {});
  try {
    return await withDeadline(patienceMs, [died.signal], (signal) =>
      use({
        apiPort,
        ports: own,
        signal,
        seconds: () => (performance.now() - startedAtMs) / 1000,
        cpuSeconds: () => cpuSeconds(qemu.pid as number),
        lineAt: async (text) => {
          const { seenAtMs } = await follower.waitFor(new RegExp(text), { signal });
          return (seenAtMs - startedAtMs) / 1000;
        },
      }),
    );
  } catch (error) {
    const tail = follower.lines.slice(-30).map(({ text }) => text);
    throw new Error(`the rival was not ready; the end of its console:\n${tail.join('\n')}`, { cause: error });
  } finally {
    qemu.kill('SIGKILL');
    await ended.catch(() => {});
    await follower.close();
    await rm(folder, { recursive: true, force: true });
  }
}
