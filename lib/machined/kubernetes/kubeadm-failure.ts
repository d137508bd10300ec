/** What kubeadm said before it failed, as one sentence for whoever looks after the node. */
import { printable } from '../../base/printable.js';

const MAX_CHARACTERS = 400;
/** The secret half of a bootstrap token. */
const TOKEN = /\b([a-z0-9]{6})\.[a-z0-9]{16}\b/g;

/** Which of kubeadm's failures say what to do, and what. */
const ADVICE: readonly { readonly when: RegExp; readonly what: string }[] = [
  {
    when: /token id "?[a-z0-9]{6}"? is invalid|could not find a JWS signature|failed to verify JWS signature|Unauthorized/i,
    what: "the cluster does not know the token of this node's config: set cluster.token to that of the cluster's control planes; one that has just begun takes a while",
  },
  {
    when: /none of the public keys|public key .* not pinned|certificate signed by unknown authority|unable to verify/i,
    what: "the server at the cluster's endpoint has a certificate of another CA: set cluster.ca and cluster.controlPlane.endpoint to those of the cluster",
  },
  {
    when: /has expired or is not yet valid/i,
    what: 'a certificate is not valid at the time of this node: check the clocks of this node and of the control plane (osctl time)',
  },
  {
    when: /a Node with name .* already exists/i,
    what: 'there is a node of that name in the cluster: give this one a name of its own (machine.network.hostname), or delete the other node',
  },
  {
    when: /connection refused|no route to host|network is unreachable|i\/o timeout|context deadline exceeded|timed out waiting/i,
    what: 'the Kubernetes API does not answer: check that cluster.controlPlane.endpoint is right and its server runs (osctl health)',
  },
  {
    when: /no space left on device/i,
    what: 'EPHEMERAL is full: make room on it or give the node a larger disk',
  },
];

/**
 * @param output  the end of what it wrote to its standard error and output
 * @returns the reason, with what to do where that is known; never a secret, never more than a line
 */
export function kubeadmFailure(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    // The newest line of all is about a stack trace, which nobody here could ask for.
    .filter((line) => line !== '' && !line.startsWith('To see the stack trace of this error'));
  const line = lines.findLast((each) => /^error\b/i.test(each)) ?? lines.at(-1) ?? 'it did not say why';
  const reason = withoutTokens(printable(line.replace(/^error( execution phase [^\s:]+)?: /i, ''))).slice(
    0,
    MAX_CHARACTERS,
  );
  const advice = ADVICE.find(({ when }) => when.test(line))?.what;
  return advice === undefined ? reason : `${advice} (${reason})`;
}

/** A line that kubeadm wrote, for a log. */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN, '$1.…');
}
