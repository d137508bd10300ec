/** When what happened on a node that became a member of a cluster: from machined's own log. Pure: text in, numbers out. */

export interface TimelineStep {
  readonly name: string;
  /** Seconds, as the log has them; from the start of QEMU where the offset is known. */
  readonly from: number;
  readonly until: number;
}

const LINE = /^(\d{4}-\d{2}-\d{2}T[\d:.]+Z) (.*)$/;
const IMAGES = /^images of Kubernetes \S+: \d+ imported in ([\d.]+) s/;
const PHASE = /^(?:init|join) phase (\S+) \(\d+ of \d+\)$/;
const MEMBER = /^Kubernetes \S+: this node (?:is the first control plane|has joined)/;
const CONFIG = /^the machine config was read from /;

/**
 * The import of the images, and each of kubeadm's phases.
 * @param log           of machined
 * @param configAtMs    when the host saw the line about the machine config, since QEMU was started: what the node's clock is set against
 * @throws Error        the log does not have the whole way to membership
 */
export function readyTimeline(log: string, configAtMs: number): TimelineStep[] {
  const lines = log.split('\n').flatMap((line) => {
    const [, time, text] = LINE.exec(line) ?? [];
    return time === undefined || text === undefined ? [] : [{ atMs: Date.parse(time), text }];
  });
  const config = lines.find(({ text }) => CONFIG.test(text));
  const member = lines.find(({ text }) => MEMBER.test(text));
  if (config === undefined || member === undefined) throw new Error('the log of machined has no way to membership');
  const seconds = (atMs: number) => (atMs - config.atMs + configAtMs) / 1000;
  const steps: TimelineStep[] = [];
  let phase: { name: string; from: number } | undefined;
  for (const { atMs, text } of lines) {
    const at = seconds(atMs);
    const [, took] = IMAGES.exec(text) ?? [];
    if (took !== undefined) steps.push({ name: 'images', from: at - Number(took), until: at });
    const [, name] = PHASE.exec(text) ?? [];
    if (name === undefined && text !== member.text) continue;
    // A phase that was tried again goes on.
    if (phase !== undefined && phase.name === name) continue;
    if (phase !== undefined) steps.push({ ...phase, until: at });
    phase = name === undefined ? undefined : { name, from: at };
  }
  return steps;
}
