import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../../base/abort.js';
import { errorCode, errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import type { StatusReport } from './kubelet-status.js';

export interface KubeletWatchOptions {
  report(status: StatusReport): void;
  /** Of the kubelet's own answer to how it fares; on the loopback interface. */
  url?: string;
  intervalMs?: { healthy: number; unhealthy: number };
}

const URL = 'http://127.0.0.1:10248/healthz';
const ANSWER_MS = 10 * SECOND_MS;
const INTERVAL_MS = { healthy: 10 * SECOND_MS, unhealthy: SECOND_MS };
const MAX_ANSWER_CHARACTERS = 200;

/** Asks the kubelet how it fares, again and again until the signal. Never rejects. */
export async function watchKubelet(options: KubeletWatchOptions, signal: AbortSignal): Promise<void> {
  const { report, url = URL, intervalMs = INTERVAL_MS } = options;
  while (!signal.aborted) {
    const status = await askKubelet(url, signal);
    if (signal.aborted) return;
    report(status);
    const ms = status.isHealthy ? intervalMs.healthy : intervalMs.unhealthy;
    await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
  }
}

async function askKubelet(url: string, signal: AbortSignal): Promise<StatusReport> {
  try {
    const { status, text } = await withDeadline(ANSWER_MS, [signal], (ends) => answerOf(url, ends));
    if (status === 200) return { isHealthy: true, text: 'the kubelet is healthy' };
    return { isHealthy: false, text: `the kubelet says: ${text.trim() || `HTTP ${status}`}` };
  } catch (error) {
    const why = errorCode(error) === 'ECONNREFUSED' ? 'it does not listen yet' : errorMessage(error);
    return { isHealthy: false, text: `the kubelet does not answer: ${why}` };
  }
}

function answerOf(url: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, MAX_ANSWER_CHARACTERS);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}
