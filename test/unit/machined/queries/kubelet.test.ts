/** The kubelet among the containers of Kubernetes; what containerd lists beside it is seen on a booted node. */
import t from 'tap';
import type { Service } from '../../../../lib/control/protocol.js';
import { MachineServiceDefinition as api } from '../../../../lib/gen/machine/service.js';
import { containerQueries } from '../../../../lib/machined/queries/containers.js';
import { kubeletInfo, kubeletStat } from '../../../../lib/machined/queries/kubelet.js';
import type { CgroupStats } from '../../../../lib/native/contract.js';
import { NO_CONTAINERS, NO_KUBERNETES } from '../no-containers.js';

const NAMES = { namespace: 'k8s.io', id: 'kubelet', podId: 'kubelet', name: 'kubelet' };

t.test('as it is listed, with its release, and what it uses', (t) => {
  const service = { id: 'kubelet', state: 'Running', pid: 321, image: '/usr/bin/kubelet' } as Service;
  t.strictSame(kubeletInfo('k8s.io', { service, version: 'v1.20.2' }), {
    ...NAMES,
    image: 'kubelet:v1.20.2',
    pid: 321,
    status: 'RUNNING',
  });
  const cpu = { usageUsec: 1500 } as CgroupStats['cpu'] & object;
  t.strictSame(kubeletStat('k8s.io', { pids: 1, memoryBytes: 64, cpu }), {
    ...NAMES,
    memoryUsage: 64,
    cpuUsage: 1_500_000,
  });
  t.equal(kubeletStat('k8s.io', { pids: 0, memoryBytes: 64 }), undefined, 'it does not run');
  t.equal(kubeletStat('k8s.io', undefined), undefined);
  t.end();
});

t.test('it is restarted where it is listed, and nowhere else', async (t) => {
  const lines: string[] = [];
  let restarts = 0;
  const kubernetes = { ...NO_KUBERNETES, restartKubelet: async () => void restarts++ };
  const sources = { containers: NO_CONTAINERS, kubernetes, log: (text: string) => void lines.push(text) };
  const restart = async (namespace: string, own = kubernetes) => {
    const table = containerQueries({ ...sources, kubernetes: own } as unknown as Parameters<
      typeof containerQueries
    >[0]);
    const request = api.Restart.requestSerialize({ namespace, id: 'kubelet' });
    await table[api.Restart.path]?.(request, { caller: 'test', signal: new AbortController().signal });
  };
  await restart('k8s.io');
  t.equal(restarts, 1);
  t.strictSame(lines, ['test restarts the kubelet']);
  await t.rejects(restart('system'), { kind: 'UNAVAILABLE', message: /containerd does not run/ });
  await t.rejects(restart('k8s.io', NO_KUBERNETES), { kind: 'NOT_FOUND', message: /no kubelet/ });
});
