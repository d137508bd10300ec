/** proxyd as a process, confined as on a node, with init and machined played by the test. */
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import type { ApiServer } from '../../../lib/control/protocol.js';
import { ControlServer, type ServerConnection } from '../../../lib/control/server.js';
import { loadNative } from '../../../lib/native/index.js';
import { until } from '../osd/support/rig.js';
import { spawnLikeOsd } from '../osd/support/spawn-like-osd.js';
import { Backend, Client } from './support/servers.js';

t.setTimeout(90_000);
const native = loadNative();

async function start(t: Test, state: { servers?: ApiServer[]; nameServers: string[] }) {
  const log = (line: string) => t.comment(line);
  const connections: ServerConnection[] = [];
  const health: boolean[] = [];
  let port = 0;
  const machined = new ControlServer({
    channels: native.channel,
    log,
    allow: { describeApiServers: ['proxyd'] },
    handlers: {
      describeApiServers: () => {
        const { servers, nameServers } = state;
        if (!servers) throw new ControlError('FAILED_PRECONDITION', 'this node has no machine config yet');
        return { body: { servers, nameServers } };
      },
    },
  });
  const init = new ControlServer({
    channels: native.channel,
    log,
    allow: { connect: ['proxyd'], reportListening: ['proxyd'], reportHealth: ['proxyd'] },
    handlers: {
      connect: () => {
        const [theirs, ours] = native.channel.pair();
        connections.push(machined.accept(ours, 'proxyd'));
        return { body: {}, descriptors: [theirs] };
      },
      reportListening: (report) => {
        port = report.port;
        return { body: {} };
      },
      reportHealth: ({ healthy }) => {
        health.push(healthy);
        return { body: {} };
      },
    },
  });
  const [ours, theirs] = native.channel.pair();
  const started = spawnLikeOsd(join(import.meta.dirname, 'support/proxy-process.js'), { descriptors: [theirs] });
  theirs.close();
  init.accept(ours, 'proxyd');
  t.teardown(() => started.child.kill('SIGKILL'));
  await until(() => port !== 0, 'it listens', 30_000);
  const tell = () => connections.at(-1)?.sendEvent({ kind: 'apiServersChanged' });
  return { ...started, port, health, tell };
}

t.test('from its start to its end', async (t) => {
  const [a, b] = [await Backend.start(t, 'a'), await Backend.start(t, 'b')];
  const state: Parameters<typeof start>[1] = { nameServers: [] };
  const proxyd = await start(t, state);
  await until(() => proxyd.output().includes('are not known: this node has no machine config yet'), 'it waits', 20_000);
  t.equal(await (await Client.connect(t, proxyd.port)).over, 'reset', 'nobody to go to yet');
  state.servers = [{ ...a.address, isFallback: false }];
  await until(() => proxyd.health.length === 1, 'it has found a server', 20_000);
  t.equal(await (await Client.connect(t, proxyd.port)).ask('x'), 'a:x');
  state.servers = [{ ...b.address, isFallback: true }];
  proxyd.tell();
  await until(() => proxyd.output().includes(`${b.port}: unknown → up`), 'it is told of another');
  t.equal(await (await Client.connect(t, proxyd.port)).ask('x'), 'b:x');
  b.kill();
  await until(() => proxyd.health.length === 2, 'it is seen', 20_000);
  t.same(proxyd.health, [true, false]);
  proxyd.child.kill('SIGTERM');
  t.same(await proxyd.child.exited, { kind: 'exited', code: 0 });
});

t.test('a cluster that was never there is no failure of proxyd', async (t) => {
  const gone = await Backend.start(t, 'gone');
  gone.kill();
  const proxyd = await start(t, { servers: [{ ...gone.address, isFallback: false }], nameServers: [] });
  await until(() => proxyd.health.length === 1, 'it has looked', 20_000);
  t.same(proxyd.health, [true]);
});

t.test('a server with a name, within the system calls that it has', async (t) => {
  const a = await Backend.start(t, 'a');
  const names = createSocket('udp4');
  t.teardown(() => names.close());
  await new Promise((resolve) => names.bind(0, '127.0.0.1', resolve as () => void));
  names.on('message', (query, { port, address }) => {
    const type = query.readUInt16BE(query.length - 4 - (query.readUInt16BE(10) > 0 ? 11 : 0));
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from(query.subarray(0, end));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(type === 1 ? 1 : 0, 6);
    head.writeUInt16BE(0, 10);
    const answer = Buffer.from('c00c000100010000003c00047f000001', 'hex');
    names.send(type === 1 ? Buffer.concat([head, answer]) : head, port, address);
  });
  const servers = [{ host: 'api.example.org', port: a.port, isFallback: false }];
  const proxyd = await start(t, { servers, nameServers: [`127.0.0.1:${names.address().port}`] });
  await until(() => proxyd.health.length === 1, 'it has found it', 30_000).catch((error) => {
    t.comment(proxyd.output());
    throw error;
  });
  t.equal(await (await Client.connect(t, proxyd.port)).ask('x'), 'a:x');
});
