import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { architectureName } from '../base/architecture.js';
import type { Accelerator, Machine } from './machines.js';
import { currentBootId } from './process-identity.js';

/** QEMU's `-accel` option for each. One thread for all emulated processors: docs/adr/0010. */
export const ACCELERATOR_OPTION: Record<Accelerator, string> = { kvm: 'kvm', tcg: 'tcg,thread=single' };

const PROBE_DEADLINE_MS = 10_000;
const PROBE_MEMORY_MIB = 256;

/** Runs a guest under KVM; replaced in tests. */
export type KvmProbe = (machine: Machine, kernel: string) => Promise<boolean>;

/**
 * Boots the kernel under KVM with nothing else. It finds no root, panics and asks for a reboot, whereupon QEMU ends: so a guest
 * that gets that far has run real and long mode, two processors, timers and interrupts. A host may open /dev/kvm and still
 * hang or kill its guests, which no cheaper question shows.
 */
export async function runKvmProbe(machine: Machine, kernel: string): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-kvm-probe-'));
  const consoleLog = path.join(folder, 'console.log');
  try {
    const child = spawn(
      machine.qemu,
      [
        ...['-accel', 'kvm', '-cpu', machine.cpu.kvm, '-machine', machine.machine.kvm],
        ...['-smp', '2', '-m', String(PROBE_MEMORY_MIB)],
        ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${consoleLog}`],
        ...['-kernel', kernel, '-append', `console=${machine.console} panic=-1`],
      ],
      { stdio: 'ignore' },
    );
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_DEADLINE_MS);
    const code = await new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', resolve);
    });
    clearTimeout(timer);
    return code === 0 && /Kernel panic/.test(await readFile(consoleLog, 'latin1'));
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Chooses the accelerator. A guest of another architecture than the host's is emulated; else the answer of the probe counts, which is
 * kept for this boot of the host.
 * @param machine  the machine that the guest runs in
 * @param kernel   the kernel that the probe boots
 * @param options  `cacheDir`: where the answer is kept; `probe`: how a guest is tried; `device`: the KVM device; `host`: its architecture;
 *   `signal`: ends it with its reason
 */
export async function chooseAccelerator(
  machine: Machine,
  kernel: string,
  options: {
    cacheDir?: string;
    probe?: KvmProbe;
    device?: string;
    host?: string;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<Accelerator> {
  if (machine.architecture !== (options.host ?? architectureName())) return 'tcg';
  try {
    accessSync(options.device ?? '/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const cacheDir = options.cacheDir ?? path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'talos');
  const cacheFile = path.join(cacheDir, 'kvm-probe.json');
  const bootId = currentBootId();
  const cached = await readAnswer(cacheFile);
  if (cached?.bootId === bootId) return cached.works ? 'kvm' : 'tcg';
  const works = await (options.probe ?? runKvmProbe)(machine, kernel);
  // Ctrl-C ends the guest, too, which says nothing about KVM.
  options.signal?.throwIfAborted();
  // The cache only saves time: where it cannot be written the probe is run again.
  await writeAnswer(cacheFile, { bootId, works }).catch(() => {});
  return works ? 'kvm' : 'tcg';
}

interface Answer {
  readonly bootId: string;
  readonly works: boolean;
}

async function readAnswer(file: string): Promise<Answer | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Answer;
  } catch {
    return undefined;
  }
}

async function writeAnswer(file: string, answer: Answer): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(answer));
  await rename(`${file}.${process.pid}`, file);
}
