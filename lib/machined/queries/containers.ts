/** Calls about containers: those of containerd, beside the services that PID 1 runs itself; the kubelet goes with those of pods. */
import { readFile } from 'node:fs/promises';
import type { Container } from '../../containerd/index.js';
import { ControlError } from '../../control/errors.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import type { CgroupStats, FileDescriptor } from '../../native/contract.js';
import { CGROUP_ROOT, RUNTIME_GROUPS } from '../../os/cgroup-tree.js';
import { serviceUsage } from '../../os/service-usage.js';
import { type ContainerNames, namesOf } from '../containers/names.js';
import { KUBELET, kubeletInfo, kubeletStat } from './kubelet.js';
import { isKubernetesNamespace } from './namespace.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const SIGTERM = 15;
const NANOSECONDS_PER_MICROSECOND = 1000;
const SYSTEM = 'system';
const KUBERNETES = 'k8s.io';

export function containerQueries(sources: QuerySources) {
  return {
    ...unary(api.Containers, machine.Container, async ({ namespace }) => {
      const name = isKubernetesNamespace(namespace) ? KUBERNETES : SYSTEM;
      const containers = (await found(sources, name)).map((container) => containerInfo(name, container));
      const kubelet = name === KUBERNETES ? await sources.kubernetes.kubelet() : undefined;
      return { containers: kubelet === undefined ? containers : [kubeletInfo(name, kubelet), ...containers] };
    }),
    ...unary(api.Stats, machine.Stats, async ({ namespace }) => ({
      stats: isKubernetesNamespace(namespace) ? await podStats(sources) : await systemStats(sources),
    })),
    ...unary(api.Restart, machine.Restart, async ({ namespace, id }, { caller }) => {
      const name = isKubernetesNamespace(namespace) ? KUBERNETES : SYSTEM;
      if (name === KUBERNETES && id === KUBELET) {
        sources.log(`${caller} restarts the kubelet`);
        await sources.kubernetes.restartKubelet();
        return {};
      }
      const containers = await found(sources, name);
      const container = containers.find((each) => each.id === id || namesOf(each).id === id);
      if (container === undefined) {
        const ids = containers.map((each) => namesOf(each).id).join(', ');
        throw new ControlError(
          'NOT_FOUND',
          `no container ${JSON.stringify(id)} in ${name}; there are ${ids || 'none'}`,
        );
      }
      sources.log(`${caller} restarts ${namesOf(container).id} of ${name}: SIGTERM`);
      const { signalTask } = await import('../../containerd/index.js');
      await signalTask(sources.containers.connection, name, container.id, SIGTERM);
      return {};
    }),
  };
}

/** @throws ControlError UNAVAILABLE  containerd does not answer */
async function found({ containers }: QuerySources, namespace: string): Promise<Container[]> {
  try {
    const { connection } = containers;
    // Of a containerd that was started again a moment ago, whoever asks need not know.
    await connection.connected();
    const { listContainers } = await import('../../containerd/index.js');
    return await listContainers(connection, namespace);
  } catch (error) {
    if (error instanceof ControlError) throw error;
    throw new ControlError('UNAVAILABLE', 'containerd does not answer', { cause: error });
  }
}

function containerInfo(namespace: string, container: Container): machine.ContainerInfo.$Properties {
  const { id, podId, name } = namesOf(container);
  const { image, task } = container;
  return { namespace, id, podId, name, image, pid: task?.pid ?? 0, status: task?.status ?? 'CREATED' };
}

/** By the groups of the tree, which containers of the system have beside PID 1's own services. */
async function systemStats({ native }: QuerySources): Promise<machine.Stat.$Properties[]> {
  const usage = await serviceUsage(native);
  return usage.map(({ id, memoryBytes, cpuUsec }) => ({
    namespace: SYSTEM,
    id,
    // Clients take an id that differs from its pod's for a container inside that pod.
    podId: id,
    name: id,
    memoryUsage: memoryBytes,
    cpuUsage: cpuUsec * NANOSECONDS_PER_MICROSECOND,
  }));
}

/** Of the containers of pods, and of the kubelet. */
async function podStats(sources: QuerySources): Promise<machine.Stat.$Properties[]> {
  const { files, cgroup } = sources.native;
  const running = (await found(sources, KUBERNETES)).filter(({ task }) => (task?.pid ?? 0) > 0);
  const tree = await files.openRoot(CGROUP_ROOT);
  const groups: { names: ContainerNames; descriptor: FileDescriptor }[] = [];
  let kubelet: FileDescriptor | undefined;
  try {
    for (const container of running) {
      const path = await cgroupOf(container.task?.pid ?? 0);
      const descriptor = path === undefined ? undefined : await files.openDirectory(tree, path).catch(() => undefined);
      if (descriptor) groups.push({ names: namesOf(container), descriptor });
    }
    kubelet = await files.openDirectory(tree, RUNTIME_GROUPS.kubelet).catch(() => undefined);
    const all = [...groups.map(({ descriptor }) => descriptor), ...(kubelet ? [kubelet] : [])];
    const stats = cgroup.stats(all);
    const own = kubelet && kubeletStat(KUBERNETES, stats[groups.length]);
    return [...(own ? [own] : []), ...groups.map(({ names }, position) => podStat(names, stats[position]))];
  } finally {
    kubelet?.close();
    for (const { descriptor } of groups) descriptor.close();
    tree.close();
  }
}

function podStat({ id, podId, name }: ContainerNames, stats: CgroupStats | undefined): machine.Stat.$Properties {
  const cpuUsage = (stats?.cpu?.usageUsec ?? 0) * NANOSECONDS_PER_MICROSECOND;
  return { namespace: KUBERNETES, id, podId, name, memoryUsage: stats?.memoryBytes ?? 0, cpuUsage };
}

/** The group of a process, below the tree's root; undefined: it is gone, or in the root itself. */
async function cgroupOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'latin1').catch(() => '');
  const path = /^0::\/(.+)$/m.exec(text)?.[1];
  return path === undefined || path.includes('..') ? undefined : path;
}
