/** Figures of a booted node and of what runs on it, as osctl shows them. */
import t from 'tap';
import { type Method, onlyMessage } from '../../lib/client/index.js';
import { MachineServiceDefinition as api } from '../../lib/gen/machine/service.js';
import { apiClient } from '../helpers/api-client.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(180));

const MEMORY_MIB = 1536;

interface ProcessView {
  pid: number;
  ppid: number;
  args: string;
  executable: string;
  command: string;
  residentMemory: number;
}

t.test('a booted node', async (t) => {
  const node = await TestNode.create({ name: 'figures', layer: 'test', memoryMiB: MEMORY_MIB });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  const processes = await home.json<ProcessView[]>('processes');
  const running = (path: string) => processes.find(({ args }) => args === path);

  await t.test('memory: that of the machine, less what the kernel keeps', async (t) => {
    const [memory] = await home.json<{ memtotal: number; memavailable: number }[]>('memory');
    const totalMiB = (memory?.memtotal ?? 0) / 1024;
    t.ok(totalMiB > MEMORY_MIB * 0.9 && totalMiB < MEMORY_MIB, `${totalMiB} MiB`);
    t.ok((memory?.memavailable ?? 0) > 0 && (memory?.memavailable ?? 0) < (memory?.memtotal ?? 0));
    t.match((await home.succeed(['free'])).stdout, /^TOTAL +USED +FREE +SHARED +BUFFERS +CACHE +AVAILABLE\n\d+ /);
  });

  await t.test('processes: PID 1, its children, kernel threads', async (t) => {
    t.match(running('/sbin/init'), { pid: 1, ppid: 0 });
    for (const path of ['/sbin/osd', '/sbin/machined']) {
      const found = running(path);
      t.match(found, { ppid: 1, executable: /^\/usr\/bin\// }, path);
      t.ok((found?.residentMemory ?? 0) > 10e6, path);
    }
    t.match(
      processes.find(({ pid }) => pid === 2),
      { command: 'kthreadd', args: '', executable: '' },
    );
    t.ok(processes.filter(({ ppid }) => ppid === 2).length > 5);
    t.match((await home.succeed(['processes', '--sort', 'cpu'])).stdout, /^1 .*\/sbin\/init$/m);
  });

  await t.test('netstat: osd listens', async (t) => {
    const { stdout } = await home.succeed(['netstat', '-lp']);
    const pid = running('/sbin/osd')?.pid;
    t.match(stdout, new RegExp(`^tcp6 +0 +0 +\\[::\\]:50000 +\\[::\\]:\\* +LISTEN +${pid}/osd$`, 'm'));
    t.match((await home.succeed(['ss', '-t', '-p'])).stdout, new RegExp(`:50000 .* ESTABLISHED +${pid}/osd$`, 'm'));
  });

  await t.test('mounts', async (t) => {
    const mounts =
      await home.json<{ mountedOn: string; filesystem: string; size: number; available: number }[]>('mounts');
    const at = (place: string) => mounts.find(({ mountedOn }) => mountedOn === place);
    t.match(at('/'), { filesystem: /^\/dev\// });
    t.ok((at('/')?.size ?? 0) > 10e6);
    t.match(at('/proc'), { filesystem: 'proc', size: 0 });
    const run = at('/run');
    t.ok(run && run.available > 0 && run.available <= run.size);
  });

  await t.test('disks: the one with the config, and the one for what the node keeps', async (t) => {
    await node.waitForConsole(/STATE and EPHEMERAL were made on \/dev\/vdb/);
    const disks = await home.json<object[]>('disks');
    t.match(disks[0], { deviceName: '/dev/vda', serial: 'talosconfig', size: 4_194_304, readonly: false });
    const own = { deviceName: '/dev/vdb', serial: 'talossystem', size: 10_737_418_240, readonly: false };
    t.match(disks[1], { ...own, systemDisk: true });
    t.match(disks[2], { deviceName: '/dev/vdc', serial: 'talosroot', readonly: true });
    t.equal(disks.length, 3, 'what the kernel makes of them is none');
    t.match(disks[0], { busPath: /^\/pci.*\/virtio\d+$/, subsystem: '/sys/class/block', systemDisk: false });
  });

  await t.test('stats and restart', async (t) => {
    interface Stat {
      id: string;
      memoryUsage: number;
      cpuUsage: number;
    }
    const events = home.stream('events', '--tail', '-1');
    await events.until(seconds(90), 'containerd answers', (seen) =>
      seen.some(({ text }) => /on its socket/.test(text)),
    );
    await events.stop();
    const stats = await home.json<Stat[]>('stats');
    t.same(
      stats.map(({ id }) => id),
      ['containerd', 'init', 'machined', 'networkd', 'osd'],
    );
    for (const { id, memoryUsage, cpuUsage } of stats) t.ok(memoryUsage > 1e6 && cpuUsage > 1e8, id);
    t.same(await home.json('stats', '-k'), []);
    const refused = await home.osctl(['restart', '-k', 'pod']);
    t.equal(refused.code, 1);
    t.match(refused.stderr, /NOT_FOUND: no container "pod" in k8s\.io; there are none/);

    const mark = node.consoleMark;
    const restarted = await home.succeed(['restart', 'machined']);
    t.match(restarted.stderr, /machined is being restarted/);
    // A question that reaches it while it ends is answered by nobody.
    await node.waitForConsole(/service machined: Started with process id/, { after: mark });
    // It takes a while until it answers.
    const after = await home.json<ProcessView[]>('processes', '--timeout', '1m');
    t.not(after.find(({ args }) => args === '/sbin/machined')?.pid ?? -1, running('/sbin/machined')?.pid);
  });

  await t.test('what programs ask for: osd may read all of it', async (t) => {
    const client = await apiClient(home);
    t.teardown(() => client.close());
    const ask = async <Message extends object>(method: Method<object, { messages: Message[] }>): Promise<Message> =>
      onlyMessage(await client.unary(method, {}), 'the node');
    const stat = await ask(api.SystemStat);
    t.equal(stat.cpu?.length, 2);
    t.ok((stat.bootTime ?? 0) > Date.now() / 1000 - 300, 'it was started just now');
    t.ok((stat.cpuTotal?.user ?? 0) > 0 && (stat.irqTotal ?? 0) > 0 && (stat.softIrq?.sched ?? 0) > 0);
    const { cpuInfo } = await ask(api.CPUInfo);
    t.match(cpuInfo, [{ processor: 0 }, { processor: 1 }]);
    t.same((await ask(api.CPUFreqStats)).cpuFreqStats, [], 'an emulated processor has one speed');
    t.ok(((await ask(api.LoadAvg)).load1 ?? -1) >= 0);
    const disks = await ask(api.DiskStats);
    const disk = disks.devices?.find(({ name }) => name === 'vda');
    t.ok((disk?.readSectors ?? 0) > 0, 'the config was read from it');
    const hardware = disks.devices?.filter(({ name }) => /^vd[a-z]$/.test(name ?? '')) ?? [];
    t.equal(
      disks.total?.readSectors,
      hardware.reduce((sum, each) => sum + (each.readSectors ?? 0), 0),
    );
    const network = await ask(api.NetworkDeviceStats);
    const eth0 = network.devices?.find(({ name }) => name === 'eth0');
    t.ok((eth0?.rxBytes ?? 0) > 1000 && (eth0?.txBytes ?? 0) > 1000);
    t.equal(network.total?.rxPackets, eth0?.rxPackets);
  });
});
