/** The small parts of lib/cluster: processes, ports, arguments, disks, state, contexts, the accelerator. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { chooseAccelerator } from '../../../lib/cluster/accelerator.js';
import { findApiPort, reservePort } from '../../../lib/cluster/api-port.js';
import { makeConfigDisk } from '../../../lib/cluster/config-disk.js';
import { addContext, dropContext } from '../../../lib/cluster/contexts.js';
import { chooseHardware } from '../../../lib/cluster/hardware.js';
import { makeIdentity } from '../../../lib/cluster/identity.js';
import { MACHINES } from '../../../lib/cluster/machines.js';
import { identify, isRunning, signalProcess, waitForExit } from '../../../lib/cluster/process-identity.js';
import { kernelArguments, qemuArguments } from '../../../lib/cluster/qemu-arguments.js';
import { clusterDir, makeClusterDir, readState } from '../../../lib/cluster/state.js';
import { parseClientConfig } from '../../../lib/config/client-config.js';
import { loadConfig } from '../../../lib/machined/load-config.js';

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

t.test('the port of a machine that is off stays its own', async (t) => {
  const first = await findApiPort();
  t.equal(await reservePort(first), undefined, 'it was reserved when it was found');
  const next = first + 1000;
  const reservation = await reservePort(next);
  t.ok(reservation);
  t.ok((await findApiPort(next)) > next);
  reservation?.end();
  t.equal(await findApiPort(next), next, 'nobody has it any more');
});

t.test('the command line of QEMU', async (t) => {
  const machine = {
    name: 'n1',
    ...chooseHardware({}),
    accelerator: 'tcg' as const,
    cpus: 2,
    memoryMib: 1024,
    kernel: '/k',
    initramfs: '/i',
    kernelArguments: kernelArguments(MACHINES.q35, 'tcg', 'n1', ['quiet']),
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
  t.notMatch(words.join(' '), /:6443/);
  const forwarding = qemuArguments({ ...machine, kubernetesPort: 6450 }).join(' ');
  t.match(
    forwarding,
    /restrict=on,hostfwd=tcp:127\.0\.0\.1:50007-10\.0\.2\.15:50000,hostfwd=tcp:127\.0\.0\.1:6450-10\.0\.2\.15:6443 /,
  );
  t.match(qemuArguments({ ...machine, hasWayOut: true }).join(' '), /user,id=net0,restrict=off,hostfwd=/);
  t.ok(qemuArguments({ ...machine, configDisk: '/c' }).includes('if=none,id=config,format=raw,file=/c'));
  t.match(
    qemuArguments({ ...machine, disk: 'ahci', rootDisk: '/r', configDisk: '/c' }).join(' '),
    /ich9-ahci,id=ahci .* -device ide-hd,bus=ahci\.0,drive=config,.* -drive if=none,id=root,format=raw,file=\/r,snapshot=on -device ide-hd,bus=ahci\.1,drive=root,/,
    'one controller for all disks',
  );
  t.match(
    machine.kernelArguments.join(' '),
    /^console=ttyS0 panic=10 .*slab_nomerge .*ip=10\.0\.2\.15::10\.0\.2\.2:255\.255\.255\.0:n1:eth0:off quiet$/,
  );
  const other = qemuArguments({ ...machine, machine: 'virt' }).join(' ');
  t.match(other, /-machine virt\S* -accel \S+ -cpu max,pauth-impdef=on /, 'another machine, another row of the table');
  t.match(kernelArguments(MACHINES.virt, 'tcg', 'n1').join(' '), /^console=ttyAMA0 /);
  t.notMatch(
    qemuArguments({ ...machine, machine: 'virt', accelerator: 'kvm' }).join(' '),
    /pauth/,
    'KVM cannot do that',
  );
});

t.test('several nodes are in one network', (t) => {
  const options = {
    ...{ name: 'n', ...chooseHardware({}), accelerator: 'tcg' as const, cpus: 1, memoryMib: 512, kernel: '/k' },
    ...{ initramfs: '/i', kernelArguments: [], consoleLog: '/l', qmpSocket: 'q', apiPort: 50007 },
  };
  const [first, second] = [0, 1].map((place) => qemuArguments({ ...options, lan: { place } })) as [string[], string[]];
  const only = (words: string[], what: RegExp) => words.filter((word) => what.test(word));
  for (const words of [first, second]) {
    t.same(only(words, /^stream/), ['stream,id=lan,addr.type=unix,addr.path=lan.sock,server=off,reconnect-ms=500']);
  }
  t.match(only(second, /^user/), [/^user,id=net0,restrict=on,/], 'its API is reached as ever');
  t.match(only(second, /mac=/), [/netdev=lan,mac=52:54:00:05:00:03$/]);
  t.match(only(first, /mac=/), [/netdev=lan,mac=52:54:00:05:00:02$/]);
  t.end();
});

t.test('configs of several nodes', async (t) => {
  const { machineConfigs, clientConfig } = await makeIdentity({
    clusterName: 'c',
    nodes: [
      {
        name: 'c-controlplane-1',
        kind: 'controlplane',
        endpoint: '127.0.0.1:1',
        address: '10.5.0.2',
        lan: { place: 0 },
      },
      { name: 'c-worker-1', kind: 'worker', endpoint: '127.0.0.1:2', address: '10.5.0.3', lan: { place: 1 } },
    ],
  });
  const [control, worker] = machineConfigs.map((text) => loadConfig(text).config);
  for (const config of [control, worker]) t.equal(config?.cluster.controlPlane.endpoint, 'https://10.5.0.2:6443');
  t.match(control?.machine, {
    type: 'controlplane',
    network: { interfaces: [{ interface: 'eth1', addresses: ['10.5.0.2/24'] }] },
  });
  t.match(worker?.machine, {
    type: 'worker',
    ca: { key: '' },
    network: { interfaces: [{ addresses: ['10.5.0.3/24'] }] },
  });
  t.equal(worker?.machine.token, control?.machine.token);
  t.match(clientConfig.contexts.c, { endpoints: ['127.0.0.1:1', '127.0.0.1:2'], nodes: ['127.0.0.1:1'] });
});

t.test('configs of nodes with Kubernetes', async (t) => {
  const node = (place: number, kind: 'controlplane' | 'worker') => ({
    ...{
      name: `c-${kind}-1`,
      kind,
      endpoint: `127.0.0.1:${place + 1}`,
      address: `10.5.0.${place + 2}`,
      lan: { place },
    },
  });
  const nodes = [node(0, 'controlplane'), node(1, 'worker')] as const;
  const kubernetes = { endpoint: 'https://127.0.0.1:6450' };
  const made = await makeIdentity({ clusterName: 'c', nodes: [...nodes], kubernetes });
  const loaded = made.machineConfigs.map((text) => loadConfig(text));
  for (const { warnings } of loaded) t.same(warnings, [], 'a node acts on all of it');
  const [control, worker] = made.machineConfigs.map((text) => parse(text));
  t.equal(control.cluster.controlPlane.endpoint, 'https://10.5.0.2:6443', 'which every node reaches');
  t.same(control.cluster.apiServer.certSANs, ['127.0.0.1', 'localhost'], 'and it is reached from here');
  for (const { machine } of [control, worker]) {
    t.same(machine.kubelet, { nodeIP: { validSubnets: ['10.5.0.0/24'] } }, 'of its networks the one that is shared');
    t.equal(machine.network.nameservers, undefined, 'there is nobody to ask');
  }
  const kubeconfig = parse(made.kubeconfig ?? '');
  t.equal(kubeconfig.clusters[0].cluster.server, 'https://127.0.0.1:6450');
  const pem = Buffer.from(kubeconfig.users[0].user['client-certificate-data'], 'base64');
  t.match(new X509Certificate(pem).subject, /O=system:masters\nCN=admin/);

  const alone = { ...node(0, 'controlplane'), address: '10.0.2.15', lan: undefined };
  const online = { ...kubernetes, pullsImages: true };
  const single = await makeIdentity({ clusterName: 'c', nodes: [alone], kubernetes: online });
  const config = parse(single.machineConfigs[0] ?? '');
  t.equal(config.cluster.controlPlane.endpoint, 'https://10.0.2.15:6443');
  t.same(config.machine.network.nameservers, ['10.0.2.3'], 'to find the registry');
  t.equal(config.machine.kubelet, undefined);
  const { kubeconfig: none } = await makeIdentity({ clusterName: 'c', nodes: [alone] });
  t.equal(none, undefined);
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
    await chooseAccelerator(MACHINES.q35, '/k', {
      host: 'amd64',
      device: join(folder, 'none'),
      cacheDir,
      probe: probe(true),
    }),
    'tcg',
    'no device',
  );
  t.equal(probes, 0);
  const foreign = chooseAccelerator(MACHINES.virt, '/k', { host: 'amd64', device, cacheDir, probe: probe(true) });
  t.equal(await foreign, 'tcg', 'a guest of another architecture');
  t.equal(probes, 0);
  const interrupted = new AbortController();
  const cut = async () => {
    interrupted.abort(new Error('interrupted'));
    return false;
  };
  const { signal } = interrupted;
  await t.rejects(chooseAccelerator(MACHINES.q35, '/k', { host: 'amd64', device, cacheDir, probe: cut, signal }), {
    message: 'interrupted',
  });
  t.equal(
    await chooseAccelerator(MACHINES.q35, '/k', { host: 'amd64', device, cacheDir, probe: probe(false) }),
    'tcg',
    'its guests do not run',
  );
  t.equal(
    await chooseAccelerator(MACHINES.q35, '/k', { host: 'amd64', device, cacheDir, probe: probe(true) }),
    'tcg',
    'the answer is kept',
  );
  t.equal(probes, 1);
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(join(cacheDir, 'kvm-probe.json'), JSON.stringify({ bootId: 'earlier', works: false }));
  t.equal(
    await chooseAccelerator(MACHINES.q35, '/k', { host: 'amd64', device, cacheDir, probe: probe(true) }),
    'kvm',
    'asked again after a boot',
  );
});
