/** What keeps pods away from a node. */
import type { KubernetesConfig } from './input.js';
import { type KubernetesRelease, minorOf } from './release.js';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** Releases in which the taint of control planes was renamed: both until the old one is gone. */
const RENAMED = { newSince: 24, oldUntil: 24 } as const;

function controlPlaneTaints(minor: number): Taint[] {
  const effect = 'NoSchedule';
  return [
    ...(minor <= RENAMED.oldUntil ? [{ key: 'node-role.kubernetes.io/master', effect }] : []),
    ...(minor >= RENAMED.newSince ? [{ key: 'node-role.kubernetes.io/control-plane', effect }] : []),
  ];
}

/** Those of `machine.nodeTaints`, and on a control plane those that keep it free of other pods, unless the config says otherwise. */
export function nodeTaints({ machine, cluster }: KubernetesConfig, release: KubernetesRelease): Taint[] {
  const isFree = machine.type === 'controlplane' && cluster.allowSchedulingOnControlPlanes !== true;
  const asked = Object.entries(machine.nodeTaints ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...(isFree ? controlPlaneTaints(minorOf(release)) : []),
    ...asked.map(([key, text]) => parseTaint(key, text)),
  ];
}

/** `<value>:<effect>`, `:<effect>` or `<effect>`. */
function parseTaint(key: string, text: string): Taint {
  const [value, effect] = text.includes(':') ? text.split(':') : ['', text];
  return { key, ...(value === undefined || value === '' ? {} : { value }), effect: effect ?? '' };
}
