import { formatBytes } from '../../../base/units.js';
import type { BootPhase } from '../../../cluster/boot-phases.js';
import type { ClusterView } from '../../../cluster/show.js';
import type { ClusterState, KubernetesState } from '../../../cluster/state.js';

const secondsOf = (ms: number): string => (ms / 1000).toFixed(1);

/** `API ready in 4.1 s` and what lay between, each with the time since QEMU was started. */
export function readyText(apiReadyMs: number, phases: readonly BootPhase[]): string {
  const steps = phases.filter(({ isDetail }) => !isDetail).map((phase) => `${phase.name} ${secondsOf(phase.atMs)}`);
  const between = steps.length === 0 ? '' : `  (${steps.join(' · ')} s after QEMU started)`;
  return `API ready in ${secondsOf(apiReadyMs)} s${between}\n`;
}

/** What was made, for people, and how to go on. */
export function createdText(state: ClusterState): string {
  const [only, ...others] = state.nodes;
  const ready =
    others.length > 0 || only?.apiReadyMs === undefined ? '' : readyText(only.apiReadyMs, only.phases ?? []);
  const nodes = state.nodes.map(({ name, endpoint }) => `node ${name} at ${endpoint}`).join(', ');
  const { kubernetes } = state;
  const more = kubernetes === undefined ? '' : kubernetesText(kubernetes, state.nodes.length);
  return `${ready}cluster ${state.name}: ${nodes}, context ${state.context}\n${more}`;
}

function kubernetesText({ version, endpoint, kubeconfig, readyMs }: KubernetesState, nodes: number): string {
  const state = readyMs === undefined ? 'not waited for' : `${nodes} nodes Ready after ${secondsOf(readyMs)} s`;
  return [
    `Kubernetes ${version} at ${endpoint}: ${state}`,
    `  kubectl --kubeconfig ${kubeconfig} get nodes -o wide`,
    '  osctl kubeconfig     merges it into your own',
    '  osctl health         checks nodes and Kubernetes',
    '',
  ].join('\n');
}

function hardwareText({ disk, network, firmware }: ClusterView['nodes'][number]): string {
  return [disk, network, firmware === 'uefi' ? 'UEFI' : undefined].filter((each) => each !== undefined).join(', ');
}

/** A cluster for people. */
export function clusterText(view: ClusterView): string {
  if (view.state === 'incomplete') {
    return `${view.name}: its creation did not end; remove it with 'osctl cluster destroy --name ${view.name}'\n`;
  }
  const rows: [string, string][] = [
    ['NAME', view.name],
    ['CONTEXT', view.context ?? ''],
    ['ARCHITECTURE', view.arch ?? ''],
    ['MACHINE', view.machine ?? ''],
    ['ACCELERATOR', view.accelerator === 'kvm' ? 'kvm' : 'tcg (emulation)'],
  ];
  const { kubernetes } = view;
  if (kubernetes !== undefined) {
    const { version, endpoint, kubeconfig, readyMs } = kubernetes;
    rows.push(['KUBERNETES', `${version}${readyMs === undefined ? '' : `, Ready after ${secondsOf(readyMs)} s`}`]);
    rows.push(['  endpoint', endpoint]);
    rows.push(['  kubeconfig', kubeconfig]);
  }
  for (const node of view.nodes) {
    rows.push(['NODE', node.name]);
    rows.push(['  state', node.state === 'running' ? `running, pid ${node.pid}` : 'stopped']);
    rows.push(['  endpoint', node.endpoint]);
    if (node.address !== undefined) rows.push(['  address', node.address]);
    rows.push(['  size', `${node.cpus} CPUs, ${node.memoryMib} MiB`]);
    rows.push(['  hardware', hardwareText(node)]);
    const { systemDisk, diskBytes } = node;
    rows.push(['  disk', systemDisk === undefined ? 'none' : `${formatBytes(diskBytes ?? 0)} (${systemDisk})`]);
    rows.push(['  console', node.consoleLog]);
    if (node.apiReadyMs !== undefined) rows.push(['  boot', readyText(node.apiReadyMs, node.phases ?? []).trimEnd()]);
  }
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  return rows.map(([title, value]) => `${title.padEnd(width)}${value}\n`).join('');
}
