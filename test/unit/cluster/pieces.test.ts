/** The small parts of lib/cluster: processes, ports, arguments, disks, state, contexts, the accelerator. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { chooseAccelerator } from '../../../lib/cluster/accelerator.js';
import { findApiPort } from '../../../lib/cluster/api-port.js';
import { makeConfigDisk } from '../../../lib/cluster/config-disk.js';
import { addContext, dropContext } from '../../../lib/cluster/contexts.js';
import { identify, isRunning, signalProcess, waitForExit } from '../../../lib/cluster/process-identity.js';
import { kernelArguments, qemuArguments } from '../../../lib/cluster/qemu-arguments.js';
import { clusterDir, makeClusterDir, readState } from '../../../lib/cluster/state.js';
import { parseClientConfig } from '../../../lib/config/client-config.js';

t.test('a process is known by its start time, not by its pid alone', async (t) => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const identity = identify(child.pid as number);
  if (!identity) throw new Error('the child is not found');
  t.ok(isRunning(identity));
  t.notOk(isRunning({ ...identity, startTicks: '1' }), 'the same pid, another start');
  t.notOk(isRunning({ ...identity, bootId: 'earlier' }), 'the same pid, another boot');
  t.notOk(signalProcess({ ...identity, startTicks: '1' }, 'SIGKILL'), 'a stranger is not signalled');
  t.notOk(await waitForExit(identity, 50));
  t.ok(signalProcess(identity, 'SIGKILL'));
  t.ok(await waitForExit(identity, 5000));
  t.equal(identify(child.pid as number), undefined);
});

t.test('a taken port is passed over', async (t) => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const found = await Promise.all([0, 1, 2].map(() => findApiPort(address.port)));
  t.ok(Math.min(...found) > address.port);
  t.equal(new Set(found).size, found.length, 'who asks at the same time gets another one');
});

t.test('the command line of QEMU', async (t) => {
  const machine = {
    name: 'n1',
    accelerator: 'tcg' as const,
    cpus: 2,
    memoryMib: 1024,
    kernel: '/k',
    initramfs: '/i',
    kernelArguments: kernelArguments('n1', ['quiet']),
    apiPort: 50007,
    consoleLog: '/home/a,b/console.log',
    qmpSocket: 'n1.qmp',
  };
  const words = qemuArguments(machine);
  t.match(words.join(' '), /restrict=on,hostfwd=tcp:127\.0\.0\.1:50007-10\.0\.2\.15:50000/, 'the network is closed');
  t.ok(words.includes('file,id=console,path=/home/a,,b/console.log,append=on'), 'commas are doubled');
  t.ok(words.includes('tcg,thread=single'));
  t.notOk(words.includes('-no-reboot'), 'nodes reboot');
  t.notOk(
    words.some((word) => word.includes('drive=config')),
    'no config disk unless there is one',
  );
  t.ok(qemuArguments({ ...machine, configDisk: '/c' }).includes('if=none,id=config,format=raw,file=/c'));
  t.match(
    machine.kernelArguments.join(' '),
    /^console=ttyS0 panic=10 .*slab_nomerge .*ip=10\.0\.2\.15::10\.0\.2\.2:255\.255\.255\.0:n1:eth0:off quiet$/,
  );
});

t.test('a config disk', async (t) => {
  const image = join(t.testdir(), 'folder', 'config.img');
  await makeConfigDisk(image, 'version: v1alpha1\n');
  t.equal(statSync(image).mode & 0o777, 0o600, 'only its owner reads it');
  const content = readFileSync(image);
  // The superblock lies at 1024: magic at 0x38, compatible features at 0x5c (4: journal), label at 0x78.
  t.equal(content.readUInt16LE(1024 + 0x38), 0xef53);
  t.equal(content.readUInt32LE(1024 + 0x5c) & 4, 0, 'no journal');
  t.equal(content.toString('latin1', 1024 + 0x78, 1024 + 0x88).replace(/\0+$/, ''), 'TALOSCONFIG');
  t.ok(content.includes('version: v1alpha1\n'));
});

t.test('names and folders of clusters', async (t) => {
  const clusters = join(t.testdir(), 'clusters');
  for (const name of ['', '..', 'a/b', 'Upper', '-a', 'a'.repeat(64)]) {
    t.throws(() => clusterDir(clusters, name), { code: 'ERR_CLUSTER_NAME' }, `name '${name}'`);
  }
  await t.rejects(readState(clusters, 'a'), { code: 'ERR_NO_CLUSTER', hint: /osctl cluster create/ });
  const folder = await makeClusterDir(clusters, 'a');
  t.equal(statSync(folder).mode & 0o777, 0o700);
  await t.rejects(makeClusterDir(clusters, 'a'), { code: 'ERR_CLUSTER_EXISTS', hint: /destroy --name a/ });
  t.equal(await readState(clusters, 'a'), undefined, 'not created completely');
  await t.rejects(readState(clusters, 'b'), { code: 'ERR_NO_CLUSTER', hint: 'there are: a' });
  writeFileSync(join(folder, 'state.json'), '{"version":');
  await t.rejects(readState(clusters, 'a'), { code: 'ERR_CLUSTER_STATE' });
});

t.test('contexts come and go', async (t) => {
  const file = join(t.testdir(), 'config');
  const config = (endpoint: string) => ({
    context: 'a',
    contexts: { a: { endpoints: [endpoint], ca: '', crt: '', key: '' } },
  });
  const names = () => Object.keys(parseClientConfig(readFileSync(file, 'utf8')).contexts).sort();
  t.equal(await addContext(file, config('127.0.0.1:50000')), 'a');
  t.equal(await addContext(file, config('127.0.0.1:50001')), 'a-1', 'the name was taken');
  t.equal(parseClientConfig(readFileSync(file, 'utf8')).context, 'a-1', 'the new one is current');
  t.equal(statSync(file).mode & 0o777, 0o600);
  await dropContext(file, 'a', '127.0.0.1:50009');
  t.same(names(), ['a', 'a-1'], 'a context that leads elsewhere is somebody else’s');
  await dropContext(file, 'a-1', '127.0.0.1:50001');
  t.same(names(), ['a']);
  await dropContext(join(t.testdir(), 'none'), 'a', '127.0.0.1:50000');
});

t.test('the accelerator', async (t) => {
  const folder = t.testdir({ kvm: '' });
  const device = join(folder, 'kvm');
  const cacheDir = join(folder, 'cache');
  let probes = 0;
  const probe = (works: boolean) => async () => {
    probes++;
    return works;
  };
  t.equal(
    await chooseAccelerator('/k', { device: join(folder, 'none'), cacheDir, probe: probe(true) }),
    'tcg',
    'no device',
  );
  t.equal(probes, 0);
  t.equal(await chooseAccelerator('/k', { device, cacheDir, probe: probe(false) }), 'tcg', 'its guests do not run');
  t.equal(await chooseAccelerator('/k', { device, cacheDir, probe: probe(true) }), 'tcg', 'the answer is kept');
  t.equal(probes, 1);
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(join(cacheDir, 'kvm-probe.json'), JSON.stringify({ bootId: 'earlier', works: false }));
  t.equal(await chooseAccelerator('/k', { device, cacheDir, probe: probe(true) }), 'kvm', 'asked again after a boot');
});
