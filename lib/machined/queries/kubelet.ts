/** The kubelet among the containers of Kubernetes: it is a service of PID 1, and people look for it beside its pods. */
import type { machine } from '../../gen/machine/machine.js';
import type { CgroupStats } from '../../native/contract.js';
import type { KubeletService } from '../kubernetes/index.js';

export const KUBELET = 'kubelet';
/** Those of pods' containers begin with the namespace of their pod. */
const NAMES = { id: KUBELET, podId: KUBELET, name: KUBELET };
const NANOSECONDS_PER_MICROSECOND = 1000;

export function kubeletInfo(
  namespace: string,
  { service, version }: KubeletService,
): machine.ContainerInfo.$Properties {
  const { pid, state } = service;
  return { namespace, ...NAMES, image: `${KUBELET}:${version}`, pid, status: state.toUpperCase() };
}

/** By its group. undefined: it does not run. */
export function kubeletStat(namespace: string, stats: CgroupStats | undefined): machine.Stat.$Properties | undefined {
  const { memoryBytes = 0, cpu, pids = 0 } = stats ?? {};
  if (pids === 0) return undefined;
  const cpuUsage = (cpu?.usageUsec ?? 0) * NANOSECONDS_PER_MICROSECOND;
  return { namespace, ...NAMES, memoryUsage: memoryBytes, cpuUsage };
}
