import { TalosError } from '../../base/errors.js';

/** Where kubeadm puts flags for the kubelet of this node: a file of one variable, for systemd. */
export const KUBELET_FLAGS_FILE = 'kubeadm-flags.env';

const VARIABLE = /^KUBELET_KUBEADM_ARGS=("(?:[^"\\\n]|\\.)*")\s*$/;
const FLAG = /^--[a-z0-9][a-z0-9-]*(=[\x21-\x7e]*)?$/;

/**
 * The arguments that are in kubeadm's file.
 * @throws TalosError ERR_KUBELET_FLAGS  it is not what kubeadm writes
 */
export function parseKubeletFlags(text: string): string[] {
  const quoted = VARIABLE.exec(text)?.[1];
  if (quoted === undefined) throw unknown('there is no KUBELET_KUBEADM_ARGS in it');
  let value: unknown;
  try {
    // Go quotes as JSON does, as long as all is printable.
    value = JSON.parse(quoted);
  } catch (cause) {
    throw unknown('its quotes are not those of kubeadm', cause);
  }
  const words = String(value)
    .split(' ')
    .filter((word) => word !== '');
  const other = words.find((word) => !FLAG.test(word));
  if (other !== undefined) throw unknown(`${JSON.stringify(other)} is no flag`);
  return words;
}

function unknown(why: string, cause?: unknown): TalosError {
  return new TalosError('ERR_KUBELET_FLAGS', `the kubelet's flags cannot be read (${KUBELET_FLAGS_FILE}): ${why}`, {
    cause,
  });
}
