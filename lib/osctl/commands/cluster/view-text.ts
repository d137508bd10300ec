import type { BootPhase } from '../../../cluster/boot-phases.js';
import type { ClusterView } from '../../../cluster/show.js';

const secondsOf = (ms: number): string => (ms / 1000).toFixed(1);

/** `API ready in 4.1 s` and what lay between, each with the time since QEMU was started. */
export function readyText(apiReadyMs: number, phases: readonly BootPhase[]): string {
  const steps = phases.map((phase) => `${phase.name} ${secondsOf(phase.atMs)}`);
  const between = steps.length === 0 ? '' : `  (${steps.join(' · ')} s after QEMU started)`;
  return `API ready in ${secondsOf(apiReadyMs)} s${between}\n`;
}

/** A cluster for people. */
export function clusterText(view: ClusterView): string {
  if (view.state === 'incomplete') {
    return `${view.name}: its creation did not end; remove it with 'osctl cluster destroy --name ${view.name}'\n`;
  }
  const rows: [string, string][] = [
    ['NAME', view.name],
    ['CONTEXT', view.context ?? ''],
    ['ACCELERATOR', view.accelerator === 'kvm' ? 'kvm' : 'tcg (emulation)'],
  ];
  for (const node of view.nodes) {
    rows.push(['NODE', node.name]);
    rows.push(['  state', node.state === 'running' ? `running, pid ${node.pid}` : 'stopped']);
    rows.push(['  endpoint', node.endpoint]);
    rows.push(['  size', `${node.cpus} CPUs, ${node.memoryMib} MiB`]);
    rows.push(['  console', node.consoleLog]);
    if (node.apiReadyMs !== undefined) rows.push(['  boot', readyText(node.apiReadyMs, node.phases ?? []).trimEnd()]);
  }
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  return rows.map(([title, value]) => `${title.padEnd(width)}${value}\n`).join('');
}
