import { TalosError } from '../base/errors.js';
import type { PowerModule } from '../native/contract.js';

/** The kernel's limit (__NEW_UTS_LEN); one label of DNS has 63. */
const MAX_HOSTNAME_BYTES = 64;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The name of a node that was given none. */
export const DEFAULT_HOSTNAME = 'talos';

/**
 * What is wrong with a hostname by RFC 1123: labels of letters, digits and inner hyphens, joined by dots.
 * @returns a sentence, or undefined when nothing is wrong
 */
export function hostnameProblem(name: string): string | undefined {
  if (name === '') return 'the hostname is empty';
  if (name.length > MAX_HOSTNAME_BYTES)
    return `the hostname has ${name.length} characters, at most ${MAX_HOSTNAME_BYTES} are allowed`;
  const label = name.split('.').find((part) => !LABEL.test(part));
  if (label === undefined) return undefined;
  if (label === '') return `the hostname '${name}' has an empty part`;
  if (label.length > 63) return `the part '${label}' of the hostname is longer than 63 characters`;
  return `the part '${label}' of the hostname may have letters, digits and, inside, hyphens only`;
}

/** @throws TalosError ERR_HOSTNAME when it is none by RFC 1123 */
export function checkHostname(name: string): void {
  const problem = hostnameProblem(name);
  if (problem !== undefined) throw new TalosError('ERR_HOSTNAME', problem);
}

/**
 * Sets the hostname, in lower case. Does not block.
 * @throws TalosError ERR_HOSTNAME when it is none by RFC 1123 · EPERM
 */
export function setHostname(power: Pick<PowerModule, 'setHostname'>, name: string): void {
  checkHostname(name);
  power.setHostname(name.toLowerCase());
}
