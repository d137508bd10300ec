/** Programs of the image that machined runs: mkfs.ext4, and iptables where there is Kubernetes. (kubeadm talks while it runs: kubernetes/kubeadm.ts.) */
import { execFile } from 'node:child_process';
import { errorCode, TalosError } from '../base/errors.js';

/** Of the image; Debian has them there, too. */
const FOLDER = '/usr/sbin';
const MAX_OUTPUT_BYTES = 64 * 1024;

/** A program that did not end well. */
export class ProgramError extends TalosError {
  /** @param exitStatus  undefined: it was not started, or a signal ended it */
  constructor(
    message: string,
    readonly exitStatus: number | undefined,
    cause?: unknown,
  ) {
    super('ERR_PROGRAM', message, { cause });
  }
}

/**
 * Resolves when it has ended well.
 * @param program  its name in /usr/sbin
 * @param input  what it reads
 * @throws ProgramError  with the newest line of what the program said
 */
export function runProgram(program: string, argv: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: FOLDER }, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(`${FOLDER}/${program}`, argv, options, (cause, stdout, stderr) => {
      if (!cause) return resolve();
      const line = `${stdout}\n${stderr}`.trim().split('\n').at(-1);
      const why = line || String(errorCode(cause) ?? cause.message);
      const status = typeof cause.code === 'number' ? cause.code : undefined;
      reject(new ProgramError(`${program} failed: ${why}`, status, cause));
    });
    // One that ends without reading says why by itself.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
