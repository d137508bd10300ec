/**
 * One real thing of every module. It runs in the guest of each architecture: what differs between them (system call numbers, the
 * assembly around clone3, structures, page sizes) shows here.
 */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { availableParallelism, endianness, totalmem } from 'node:os';
import t from 'tap';
import type { ChannelHandlers, ExitStatus, FileDescriptor, SpawnOptions } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { CGROUP_ROOT } from '../../lib/os/cgroup-tree.js';
import { parseCpuInfo } from '../../lib/os/proc/cpuinfo.js';
import { parseMeminfo } from '../../lib/os/proc/meminfo.js';
import { readKernelFile } from '../../lib/os/proc/read.js';
import { parseStat } from '../../lib/os/proc/stat.js';
import { readSockets, socketOwners } from '../../lib/os/sockets.js';
import { openDescriptors } from '../native/open-descriptors.js';

const native = loadNative();
native.process.startReaper({ subreaper: true });

/** Node itself is the only program that every guest has. */
function node(script: string, options: Partial<SpawnOptions> = {}) {
  const argv = [process.execPath, '-e', script];
  return native.process.spawn({
    file: process.execPath,
    argv,
    env: {},
    stdin: 'null',
    stdout: 'inherit',
    stderr: 'inherit',
    ...options,
  });
}

t.test('the addon of this architecture', async (t) => {
  const image = readFileSync(process.env['ADDON_PATH'] ?? 'out/cmake/Release/talos.node');
  const machine = { x64: 62, arm64: 183 }[process.arch as string];
  t.equal(endianness(), 'LE');
  t.equal(image.readUInt16LE(18), machine, 'e_machine of its ELF header');
});

t.test('processes: statuses, signals, a refusal by stage, orphans', async (t) => {
  const before = openDescriptors();
  const statuses = await Promise.all([0, 7, 255].map((code) => node(`process.exit(${code})`).exited));
  t.same(
    statuses,
    [0, 7, 255].map((code): ExitStatus => ({ kind: 'exited', code })),
  );
  const sleeper = node('setTimeout(() => {}, 1e6)');
  t.equal(sleeper.kill('SIGKILL'), true);
  t.same(await sleeper.exited, { kind: 'signaled', signal: 'SIGKILL', coreDumped: false });
  t.throws(() => node('', { file: '/no/such/program' }), { code: 'ENOENT', stage: 'exec' });
  const unprivileged = node('process.exit(process.getuid() * 10 + process.getgroups().length)', {
    uid: 20,
    gid: 20,
    groups: [],
    capabilities: [],
    noNewPrivileges: true,
  });
  t.same(await unprivileged.exited, { kind: 'exited', code: 201 }, 'uid 20, in its own group alone');
  const { orphansReaped } = native.process.reaperStats();
  const parent = node(
    `require('node:child_process').spawn(process.execPath, ['-e', ''], { detached: true, stdio: 'ignore' }).unref()`,
  );
  t.same(await parent.exited, { kind: 'exited', code: 0 });
  while (native.process.reaperStats().orphansReaped === orphansReaped) {
    // The orphan announces nothing; another child's way through the reaper is an event to go by.
    await node('').exited;
  }
  t.equal(openDescriptors(), before);
});

t.test('rings: a pipe into sealed memory, read past the wrap', async (t) => {
  const ring = native.ring.create({ name: 'smoke', sizeBytes: 1 << 16 });
  const { memory, doorbell } = ring.subscribe();
  const reader = native.ring.openReader({ memory, doorbell });
  const [read, write] = native.descriptor.pipe();
  ring.attach(read, 'stdout');
  const child = node(`for (let i = 0; i < 20000; i++) console.log('line ' + i)`, { stdout: write });
  write.close();
  const buffer = Buffer.alloc(1 << 16);
  let [records, last] = [0, ''];
  const take = () => {
    for (;;) {
      const slab = reader.read(buffer);
      records += slab.records + slab.missedRecords;
      if (slab.bytes === 0) return;
      last = buffer.toString('latin1', 0, slab.bytes).split('\n').at(-2) ?? '';
    }
  };
  while (records < 20_000) {
    await reader.wait();
    take();
  }
  t.equal(records, 20_000, 'each line was read or counted as missed');
  t.equal(last, 'line 19999');
  t.same(await child.exited, { kind: 'exited', code: 0 });
  reader.close();
  ring.close();
});

t.test('channels: a message with a descriptor beside it', async (t) => {
  const [left, right] = native.channel.pair();
  const quiet: ChannelHandlers = { onMessage: () => {}, onClose: () => {} };
  const sender = native.channel.open(left, { maxMessageBytes: 1024 }, quiet);
  const [read, write] = native.descriptor.pipe();
  const arrived = new Promise<{ text: string; descriptors: FileDescriptor[] }>((resolve) => {
    const onMessage = (message: Buffer, descriptors: FileDescriptor[]) =>
      resolve({ text: message.toString(), descriptors });
    native.channel.open(right, { maxMessageBytes: 1024 }, { ...quiet, onMessage });
  });
  t.equal(sender.send(Buffer.from('take this'), [write]), true);
  const { text, descriptors } = await arrived;
  t.equal(text, 'take this');
  t.equal(descriptors.length, 1);
  t.equal(sender.peer().pid, process.pid);
  for (const each of [read, write, ...descriptors]) each.close();
  sender.close();
});

t.test('mounts: one made, listed and taken away', async (t) => {
  const target = '/tmp/smoke';
  native.mount.mountSync({ source: 'tmpfs', target: '/tmp', fstype: 'tmpfs', flags: ['nosuid'] });
  const { mkdirSync } = await import('node:fs');
  mkdirSync(target);
  await native.mount.mount({ source: 'tmpfs', target, fstype: 'tmpfs', flags: ['ro', 'noexec'], data: 'size=1m' });
  t.throws(() => writeFileSync(`${target}/file`, ''), { code: 'EROFS' });
  const found = native.mount.mountInfo().findLast(({ mountPoint }) => mountPoint === target);
  t.match(found, { fstype: 'tmpfs', options: /noexec/ });
  await native.mount.umount(target, []);
  await native.mount.umount('/tmp', ['detach']);
});

t.test('cgroups: limits, a process born inside, kill', async (t) => {
  const group = native.cgroup.create(CGROUP_ROOT, 'smoke');
  native.cgroup.setLimits(group, { pidsMax: 64, memoryMax: 512 * 1024 * 1024 });
  t.equal(readFileSync(`${CGROUP_ROOT}/smoke/pids.max`, 'latin1'), '64\n');
  const child = node('setTimeout(() => {}, 1e6)', { cgroup: group });
  t.match(readFileSync(`/proc/${child.pid}/cgroup`, 'latin1'), /^0::\/smoke$/m);
  t.match(native.cgroup.stats([group])[0], { pids: Number, memoryBytes: Number });
  native.cgroup.kill(group);
  t.match(await child.exited, { kind: 'signaled', signal: 'SIGKILL' });
  group.close();
  native.cgroup.remove(CGROUP_ROOT, 'smoke');
});

t.test('kernel log: written and read back', async (t) => {
  const reader = native.kmsg.openReader(native.kmsg.subscribe('end'));
  native.kmsg.write(5, 'smoke <0>test');
  const { records } = reader.read(100);
  t.match(
    records.find(({ message }) => message.includes('smoke')),
    { level: 5, facility: 3, message: 'smoke <0>test' },
  );
  reader.close();
});

t.test('netlink: links, an address, a route, and a refusal in the kernel’s words', async (t) => {
  const { link, address, route } = native.netlink;
  t.match(link.get('lo'), { index: 1, type: 772, isUp: true });
  address.add({ index: 1, address: '10.9.8.7/24' });
  route.add({ destination: '10.9.7.0/24', gateway: '10.9.8.1', index: 1 });
  t.match(
    route.list().find(({ destination }) => destination === '10.9.7.0/24'),
    { gateway: '10.9.8.1', index: 1 },
  );
  t.throws(() => route.add({ destination: '10.9.6.0/24', gateway: '10.1.1.1', index: 1 }), {
    code: 'ENETUNREACH',
    message: /Nexthop has invalid gateway/,
  });
});

t.test('power: the name of the machine', async (t) => {
  const before = readFileSync('/proc/sys/kernel/hostname', 'latin1').trim();
  native.power.setHostname('smoke');
  t.equal(readFileSync('/proc/sys/kernel/hostname', 'latin1'), 'smoke\n');
  native.power.setHostname(before);
});

t.test('what the kernel tells about the machine', async (t) => {
  const [processor] = parseCpuInfo(await readKernelFile('/proc/cpuinfo'));
  t.ok(processor && processor.flags.length > 0 && processor.bogoMips > 0);
  t.match(processor?.stepping, process.arch === 'arm64' ? /^r\d+p\d+$/ : /^\d+$/);
  const { cpu, cpuTotal, softIrq } = parseStat(await readKernelFile('/proc/stat'));
  t.equal(cpu.length, availableParallelism());
  t.ok(cpuTotal.user > 0 && softIrq.timer > 0);
  t.equal(parseMeminfo(await readKernelFile('/proc/meminfo')).memtotal, totalmem() / 1024);
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const listener = (await readSockets(['tcp6'])).find(({ localport }) => localport === port);
  t.match(listener, { localip: '::1', remoteip: '::', state: 10 });
  const owners = await socketOwners(new Set([listener?.inode ?? 0]));
  t.equal(owners.get(listener?.inode ?? 0)?.pid, process.pid);
  server.close();
});
