/** Figures that osd reads itself, of this host, over the wire. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import type { OsdContext } from '../../../lib/osd/context.js';
import { figureHandlers } from '../../../lib/osd/handlers/figures.js';
import { FakeInit } from './support/fake-init.js';
import { Rig, rejection } from './support/rig.js';

t.test('of this machine', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);

  const memory = (await client.unary('Memory', {})).messages?.[0];
  t.equal(memory?.metadata?.hostname, 'node-1');
  t.equal(memory?.meminfo?.memtotal, totalmem() / 1024);
  t.ok((memory?.meminfo?.memavailable ?? 0) > 0);

  const stat = (await client.unary('SystemStat', {})).messages?.[0];
  const bootTime = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  t.equal(stat?.bootTime, bootTime);
  t.ok((stat?.cpu?.length ?? 0) >= availableParallelism());
  const idle = stat?.cpu?.reduce((total, { idle }) => total + (idle ?? 0), 0) ?? 0;
  t.ok(Math.abs(idle - (stat?.cpuTotal?.idle ?? 0)) < 1, 'the processors add up to the total');
  const { messages: _none, ...softIrqs } = { messages: 0, ...stat?.softIrq };
  const sum = Object.values(softIrqs).reduce((total: number, count) => total + Number(count), 0);
  t.ok(Math.abs(sum - (stat?.softIrqTotal ?? 0)) < 1000, 'and so do the soft interrupts');

  const processors = (await client.unary('CPUInfo', {})).messages?.[0]?.cpuInfo;
  t.equal(processors?.length, stat?.cpu?.length);
  t.ok((processors?.[0]?.flags?.length ?? 0) > 0);

  t.ok(((await client.unary('LoadAvg', {})).messages?.[0]?.load15 ?? -1) >= 0);
  t.equal((await client.unary('CPUFreqStats', {})).messages?.length, 1);
  const disks = (await client.unary('DiskStats', {})).messages?.[0];
  t.ok((disks?.devices?.length ?? 0) > 0);
  t.equal(disks?.total?.name, 'total');
  const network = (await client.unary('NetworkDeviceStats', {})).messages?.[0];
  t.ok(network?.devices?.some(({ name }) => name === 'lo'));
});

t.test('what the kernel does not show is named', async (t) => {
  const context = { hostname: () => 'node-1' } as OsdContext;
  const folder = t.testdir({ proc: { loadavg: '1 2 3\n' } });
  const handlers = figureHandlers({ proc: `${folder}/proc`, sys: `${folder}/sys` });
  const ask = (name: string) => handlers[`/machine.MachineService/${name}`]?.(context) as Promise<unknown>;
  t.strictSame(await ask('LoadAvg'), {
    messages: [{ metadata: { hostname: 'node-1' }, load1: 1, load5: 2, load15: 3 }],
  });
  for (const [name, path] of [
    ['Memory', 'proc/meminfo'],
    ['SystemStat', 'proc/stat'],
    ['CPUInfo', 'proc/cpuinfo'],
    ['DiskStats', 'proc/diskstats|sys/block'],
    ['NetworkDeviceStats', 'proc/net/dev|sys/class/net'],
    ['CPUFreqStats', 'sys/devices/system/cpu'],
  ] as const) {
    const error = await rejection(ask(name));
    t.equal(error.code, status.INTERNAL, name);
    t.match(error.message, new RegExp(`this kernel does not show it: ENOENT.*'.*/(${path})'`));
  }
});

t.test('restart: init is asked for services, machined for containers', async (t) => {
  const asked: string[] = [];
  const machined = new FakeInit({
    query: ({ path, request }) => {
      const { namespace, id } = machine.RestartRequest.decode(request);
      asked.push(`${path.slice(path.lastIndexOf('/') + 1)} ${namespace} ${id}`);
      if (id === 'nope') throw new ControlError('NOT_FOUND', 'no container "nope" in system; there are none');
      return { message: new Uint8Array(), streamed: false };
    },
  });
  const rig = await Rig.start({ machined });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:operator']);
  for (const namespace of ['', 'system']) {
    const { messages } = await client.unary('Restart', { namespace, id: 'machined' });
    t.equal(messages?.[0]?.metadata?.hostname, 'node-1');
  }
  t.strictSame(rig.init.bodies('controlService'), Array(2).fill({ id: 'machined', action: 'RESTART' }));
  t.match(await rejection(client.unary('Restart', { namespace: 'system', id: 'nope' })), {
    code: status.NOT_FOUND,
    details: 'no container "nope" in system; there are none',
  });
  await client.unary('Restart', { namespace: 'k8s.io', id: 'default/web' });
  t.same(asked, ['Restart system nope', 'Restart k8s.io default/web']);
  t.match(await rejection(client.unary('Restart', { namespace: 'other', id: 'osd' })), {
    code: status.INVALID_ARGUMENT,
  });
  rig.init.answers.controlService = () => {
    throw new ControlError('FAILED_PRECONDITION', 'init is PID 1: reboot the node instead');
  };
  t.match(await rejection(client.unary('Restart', { id: 'init' })), { code: status.FAILED_PRECONDITION });
  const reader = await rig.clientWith(['os:reader']);
  t.match(await rejection(reader.unary('Restart', { id: 'osd' })), { code: status.PERMISSION_DENIED });
});
