/** Bounds on connections, against a real server. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { MIB } from '../../../lib/base/units.js';
import { DEFAULT_LIMITS } from '../../../lib/osd/limits.js';
import { Rig, rejection, until } from './support/rig.js';

/** Opens TCP connections that say nothing. */
async function openSilent(port: number, count: number): Promise<{ sockets: Socket[]; closed: () => number }> {
  let closed = 0;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
    return socket;
  });
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  return { sockets, closed: () => closed };
}

t.test('silent connections: so many, for so long', async (t) => {
  const rig = await Rig.start({ limits: { maxHandshakes: 4, handshakeTimeoutMs: 400 } });
  t.teardown(() => rig.stop());
  const { closed } = await openSilent(rig.port, 10);
  await until(() => closed() >= 6, 'six give way at once');
  t.equal(rig.server.frontDoor.connections.unauthenticated, 4, 'four may try');
  const meanwhile = await rig.clientWith(['os:reader']);
  t.ok(await meanwhile.unary('Version', {}), 'a client comes in although all places are taken');
  await until(() => closed() === 10, 'the deadline ends the others');
  t.equal(rig.server.frontDoor.connections.total, 1, 'the client is left');
  t.match(rig.lines.join('\n'), /its handshake gave way: 4 are under way/);
});

t.test('silent connections do not keep a known client from calling', async (t) => {
  const rig = await Rig.start({ limits: { maxHandshakes: 4 } });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  await client.unary('Version', {});
  const { sockets } = await openSilent(rig.port, 8);
  t.ok(await client.unary('Version', {}));
  for (const socket of sockets) socket.destroy();
  await until(() => rig.server.frontDoor.connections.total === 1, 'only the client is left');
});

t.test('a certificate is taken apart once a connection, and is that of its own client', async (t) => {
  const rig = await Rig.start({});
  t.teardown(() => rig.stop());
  const [reader, admin] = await Promise.all([rig.clientWith(['os:reader']), rig.clientWith(['os:admin'])]);
  for (const client of [reader, admin]) await client.unary('Version', {});
  const { prototype } = TLSSocket;
  const taken = t.capture(prototype, 'getPeerCertificate', prototype.getPeerCertificate);
  for (let round = 0; round < 3; round++) {
    t.equal((await rejection(reader.unary('Reset', {}))).code, status.PERMISSION_DENIED);
    t.ok(await admin.unary('Version', {}));
  }
  t.equal(taken().length, 0);
  await (await rig.clientWith(['os:reader'])).unary('Version', {});
  t.ok(taken().length > 0, 'that of a new connection is');
});

t.test('connections in all, and how fast', async (t) => {
  const rig = await Rig.start({ limits: { maxConnections: 2 } });
  t.teardown(() => rig.stop());
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => rig.authority.client(['os:reader'])));
  if (!first || !second || !third) throw new Error('three certificates were made');
  await rig.client(first).unary('Version', {});
  await rig.client(second).unary('Version', {});
  t.equal((await rejection(rig.client(third).unary('Version', {}))).code, status.UNAVAILABLE, 'the third is refused');

  const one = await Rig.start({ limits: { maxConnectionsPerClient: 2 } });
  t.teardown(() => one.stop());
  const pair = await one.authority.client(['os:reader']);
  // grpc-js shares connections between like clients unless it is told not to.
  const own = { 'grpc.use_local_subchannel_pool': 1 };
  await one.client(pair, own).unary('Version', {});
  await one.client(pair, own).unary('Version', {});
  t.equal(
    (await rejection(one.client(pair, own).unary('Version', {}))).code,
    status.UNAVAILABLE,
    'one client too often',
  );
  t.ok(await (await one.clientWith(['os:reader'])).unary('Version', {}), 'another client');

  const slow = await Rig.start({ limits: { acceptsPerSecond: 0.001, acceptBurst: 5 } });
  t.teardown(() => slow.stop());
  const { closed } = await openSilent(slow.port, 20);
  await until(() => closed() >= 15, 'what exceeds the burst is closed');
  t.equal(slow.server.frontDoor.connections.total, 5);
});

t.test('clients that are ready together are let in one a turn of the loop', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const { crt, key } = await rig.authority.client(['os:reader']);
  const count = 20;
  // On a loop of their own, which goes on while this one stands still.
  const clients = new Worker(
    `const net = require('node:net');
     const tls = require('node:tls');
     const { workerData, parentPort } = require('node:worker_threads');
     const sockets = Array.from({ length: workerData.count }, () => net.connect(workerData.port, '127.0.0.1'));
     parentPort.once('message', () => {
       for (const socket of sockets) tls.connect({ ...workerData.options, socket }).on('error', () => {});
     });`,
    {
      eval: true,
      workerData: {
        ...{ count, port: rig.port },
        options: { servername: 'localhost', ALPNProtocols: ['h2'], ca: rig.authority.certificate, cert: crt, key },
      },
    },
  );
  t.teardown(() => clients.terminate());
  await until(() => rig.server.frontDoor.connections.unauthenticated === count, 'all have connected');

  const { fairShare } = rig.server.frontDoor;
  const joined = fairShare.joined.bind(fairShare);
  const turns = [0];
  let [isOver, joins] = [false, 0];
  fairShare.joined = (...words) => {
    turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
    joins++;
    joined(...words);
  };
  t.teardown(() => {
    isOver = true;
  });
  const stands = new Int32Array(new SharedArrayBuffer(4));
  /** Each turn begins with all that has come in while the loop stood still. */
  const turn = () => {
    turns.push(0);
    Atomics.wait(stands, 0, 0, 20);
    if (!isOver) setImmediate(turn);
  };
  turn();
  clients.postMessage('begin');
  await until(() => joins === count, 'all are let in');
  t.same(
    turns.filter((each) => each > 1),
    [],
  );
});

t.test('garbage and resets hurt nobody', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const { sockets, closed } = await openSilent(rig.port, 6);
  for (const [at, socket] of sockets.entries()) {
    if (at % 2 === 0) socket.write(Buffer.alloc(100, at));
    else socket.resetAndDestroy();
  }
  await until(() => closed() === 6, 'all are closed');
  await until(() => rig.server.frontDoor.connections.total === 0, 'and forgotten');
  const client = await rig.clientWith(['os:reader']);
  t.ok(await client.unary('Version', {}));
});

/** A raw HTTP/2 session of a client that is let in. */
async function session(rig: Rig): Promise<ClientHttp2Session> {
  const { crt, key } = await rig.authority.client(['os:reader']);
  const http2 = connectHttp2(`https://localhost:${rig.port}`, { ca: rig.authority.certificate, cert: crt, key });
  http2.on('error', () => {});
  await new Promise((resolve) => http2.once('remoteSettings', resolve));
  return http2;
}

t.test('HTTP/2: the limits are told to clients and kept', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const http2 = await session(rig);
  t.equal(http2.remoteSettings.maxConcurrentStreams, DEFAULT_LIMITS.maxConcurrentCalls);
  t.equal(http2.remoteSettings.maxHeaderListSize, DEFAULT_LIMITS.maxHeaderBytes);
  const headers = { ':method': 'POST', ':path': '/machine.MachineService/Version', 'content-type': 'application/grpc' };
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'value']));
  const request = http2.request({ ...headers, ...many });
  request.on('error', () => {});
  const answer = await new Promise((resolve) => {
    request.once('response', (response) => resolve(response[':status'] === 200 ? 'served' : 'refused'));
    request.once('close', () => resolve('closed'));
  });
  t.not(answer, 'served', 'too many headers');
  http2.destroy();
});

t.test('HTTP/2: rapid resets end the session, not the server', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const http2 = await session(rig);
  const headers = { ':method': 'POST', ':path': '/machine.MachineService/Version', 'content-type': 'application/grpc' };
  let isClosed = false;
  http2.once('close', () => {
    isClosed = true;
  });
  for (let sent = 0; sent < 5000 && !isClosed; sent += 1) {
    const request = http2.request(headers);
    request.on('error', () => {});
    request.close(8);
    if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => isClosed, 'the session is closed');
  const client = await rig.clientWith(['os:reader']);
  t.ok(await client.unary('Version', {}), 'others are served');
});

t.test('messages: above the limit refused', async (t) => {
  const rig = await Rig.start({ limits: { maxConfigRequestBytes: MIB } });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:operator']);
  const { code } = await rejection(client.unary('ServiceStop', { id: 'x'.repeat(MIB + 1) }));
  t.equal(code, status.RESOURCE_EXHAUSTED);
  t.strictSame(rig.init.asked, [], 'init was not asked');
});
