/** Queries about the machine, with the addon and this host's /proc and /sys. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { machine, storage } from '../../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition as api, StorageServiceDefinition } from '../../../../lib/gen/machine/service.js';
import { ConfigKeeper } from '../../../../lib/machined/config-keeper.js';
import { queryTable } from '../../../../lib/machined/queries/index.js';
import { loadNative } from '../../../../lib/native/index.js';
import { NO_BLOCKD, NO_CONTAINERS, NO_KUBERNETES } from '../no-containers.js';

const { unary } = queryTable({
  blockd: NO_BLOCKD,
  disks: { check: async () => {}, wipeDevices: async () => {} },
  volumes: { checkWipe: async () => {} },
  containers: NO_CONTAINERS,
  kubernetes: NO_KUBERNETES,
  native: loadNative(),
  config: new ConfigKeeper({} as never),
  log: () => {},
});
const context = { caller: 'test', signal: new AbortController().signal };

async function ask(path: string, request: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
  const query = unary[path];
  if (!query) throw new Error(`no query ${path}`);
  return await query(request, context);
}

t.test('processes: ourselves, and the parent', async (t) => {
  const { processes } = machine.Process.decode(await ask(api.Processes.path));
  const own = processes.find(({ pid }) => pid === process.pid);
  t.match(own, { ppid: process.ppid, executable: process.execPath, args: /machine\.test\.js/ });
  t.ok((own?.threads ?? 0) > 1 && (own?.cpuTime ?? 0) > 0 && (own?.residentMemory ?? 0) > 1e6);
  t.ok(processes.some(({ pid }) => pid === process.ppid));
});

t.test('mounts', async (t) => {
  const { stats } = machine.Mounts.decode(await ask(api.Mounts.path));
  t.ok((stats.find(({ mountedOn }) => mountedOn === '/')?.size ?? 0) > 0);
});

t.test('stats of pods need containerd; there are no other namespaces', async (t) => {
  const request = (namespace: string) => machine.StatsRequest.encode({ namespace }).finish();
  await t.rejects(ask(api.Stats.path, request('k8s.io')), {
    kind: 'UNAVAILABLE',
    message: 'containerd does not run yet',
  });
  await t.rejects(ask(api.Stats.path, request('other')), { kind: 'INVALID_ARGUMENT', message: /no namespace "other"/ });
});

t.test('disks', async (t) => {
  const { disks } = storage.Disks.decode(await ask(StorageServiceDefinition.Disks.path));
  t.ok(disks.every(({ size, deviceName }) => (size ?? 0) > 0 && deviceName?.startsWith('/dev/')));
  t.notOk(disks.some(({ name }) => name?.startsWith('loop')));
});

t.test('netstat', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const sockets = async (request: machine.NetstatRequest.$Properties) =>
    machine.Netstat.decode(await ask(api.Netstat.path, machine.NetstatRequest.encode(request).finish())).connectrecord;
  const { Filter } = machine.NetstatRequest;
  const own = (records: machine.ConnectRecord.$Properties[]) => records.filter(({ localport }) => localport === port);

  const [found, ...others] = own(
    await sockets({ filter: Filter.LISTENING, feature: { pid: true }, l4proto: { tcp: true } }),
  );
  t.strictSame(others, []);
  t.match(found, { l4proto: 'tcp', localip: '127.0.0.1', process: { pid: process.pid } });
  t.equal(found?.state, machine.ConnectRecord.State.LISTEN);
  t.strictSame(own(await sockets({ filter: Filter.CONNECTED, l4proto: { tcp: true } })), []);
  t.strictSame(own(await sockets({ filter: Filter.LISTENING, l4proto: { udp: true, tcp6: true } })), []);
  t.equal(own(await sockets({})).length, 1, 'no protocol named: all of them');
  t.equal(own(await sockets({ netns: { hostnetwork: true } })).length, 1);
  t.notOk(own(await sockets({}))[0]?.process, 'who has it is looked for only when asked');
  await t.rejects(sockets({ netns: { allnetns: true } }), {
    kind: 'INVALID_ARGUMENT',
    message: /^all network namespaces cannot be shown: this version shows the sockets of the host/,
  });
  await t.rejects(sockets({ netns: { netns: ['x'] } }), { kind: 'INVALID_ARGUMENT', message: /namespace "x"/ });
});
