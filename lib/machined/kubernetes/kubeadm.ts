/** Runs kubeadm. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isTimeout, withDeadline } from '../../base/abort.js';
import { TalosError } from '../../base/errors.js';
import { printable } from '../../base/printable.js';
import { formatDuration, MINUTE_MS } from '../../base/units.js';
import type { KubeadmRun } from './effects.js';
import { kubeadmFailure, withoutTokens } from './kubeadm-failure.js';

const PROGRAM = '/usr/bin/kubeadm';
/** What kubeadm itself starts it would find here; there is no systemctl and no shell. */
const PATH = '/usr/sbin:/usr/bin';
/** kubeadm has its own patience in each phase, five minutes at most; this one is for a kubeadm that has none. */
const MAX_RUN_MS = 15 * MINUTE_MS;
const MAX_LINE_CHARACTERS = 2000;
/** Of what it said, for its failure. */
const KEPT_LINES = 40;

/** What kubeadm says, in all versions, when it expects the kubelet to be started: before it waits for it. */
const STARTS_KUBELET = '[kubelet-start] Starting the kubelet';

export interface KubeadmOptions {
  /** One line of our own log. */
  log(text: string): void;
  program?: string;
  maxRunMs?: number;
}

/** @throws TalosError ERR_KUBEADM  one sentence · the reason of the signal */
export async function runKubeadm(
  argv: readonly string[],
  run: KubeadmRun,
  { log, program = PROGRAM, maxRunMs = MAX_RUN_MS }: KubeadmOptions,
): Promise<void> {
  const { signal } = run;
  signal.throwIfAborted();
  /** A kubelet that cannot be started would be waited for in vain. */
  const inVain = new AbortController();
  try {
    await withDeadline(maxRunMs, [signal, inVain.signal], (ends) => runToEnd(program, argv, run, log, inVain, ends));
  } catch (error) {
    signal.throwIfAborted();
    inVain.signal.throwIfAborted();
    if (!isTimeout(error)) throw error;
    throw new TalosError('ERR_KUBEADM', `kubeadm was ended: it was not done within ${formatDuration(maxRunMs)}`);
  }
}

async function runToEnd(
  program: string,
  argv: readonly string[],
  { onStartKubelet }: KubeadmRun,
  log: (line: string) => void,
  inVain: AbortController,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(program, argv, {
    cwd: '/',
    env: { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    // What it is doing when the node goes down is done again.
    killSignal: 'SIGKILL',
    signal,
  });
  const kept: string[] = [];
  const started: Promise<void>[] = [];
  const take = (line: string) => {
    const text = withoutTokens(line.slice(0, MAX_LINE_CHARACTERS));
    log(`kubeadm: ${printable(text)}`);
    kept.push(text);
    if (kept.length > KEPT_LINES) kept.shift();
    if (line.startsWith(STARTS_KUBELET)) started.push(onStartKubelet().catch((error: unknown) => inVain.abort(error)));
  };
  const read = [child.stdout, child.stderr].map(async (input) => {
    for await (const line of createInterface({ input })) take(line);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killer) => {
      if (code === 0) resolve();
      else
        reject(
          new TalosError(
            'ERR_KUBEADM',
            killer === null ? kubeadmFailure(kept.join('\n')) : `kubeadm was ended by ${killer}`,
          ),
        );
    });
  });
  // All of them first: nothing is left running when this is over.
  const results = await Promise.allSettled([ended, ...read]);
  await Promise.all(started);
  // One that could not be started may have been heard of after the end of kubeadm.
  inVain.signal.throwIfAborted();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
