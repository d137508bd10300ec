/**
 * Parameters of the kernel command line that only a node of tests takes. Two have to agree: the command line that has one, and the root image, by
 * a file that the layer of the tests brings and no released image has. On a released image they are unknown, and PID 1 does not go on with an unknown one.
 */
import { readFile } from 'node:fs/promises';
import { MAX_DELAY_MS } from '../base/back-off.js';
import { errorCode } from '../base/errors.js';
import type { KernelCommandLine } from './kernel-command-line.js';

/** Names, one a line. */
export const TEST_PARAMETERS_FILE = '/usr/share/talos/test-parameters';

/** Most milliseconds until a service that has ended is started again. */
export const RESTART_DELAY = 'talos.restart_delay';

/** @returns the names that this root image takes besides those of every node; none where there is no such file */
export async function testParameters(file = TEST_PARAMETERS_FILE): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter(Boolean);
}

/**
 * The bound of the back-off of services (lib/base/back-off.ts) on this node.
 * @param allowed  as testParameters
 * @returns milliseconds; that of every node unless the image takes the parameter and it is a number from 1 to that
 */
export function maxRestartDelayMs(line: Pick<KernelCommandLine, 'get'>, allowed: readonly string[]): number {
  const text = allowed.includes(RESTART_DELAY) ? line.get(RESTART_DELAY) : undefined;
  const value = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : MAX_DELAY_MS;
  return value >= 1 && value < MAX_DELAY_MS ? value : MAX_DELAY_MS;
}
