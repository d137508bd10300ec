/** Bounds on calls, against a real server: how many, how large, how long. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { KIB, MIB } from '../../../lib/base/units.js';
import { DEFAULT_LIMITS, type Limits } from '../../../lib/osd/limits.js';
import {
  callHeaders,
  END_HEADERS,
  frame,
  grpcMessage,
  PREFACE,
  settingsWithWindow,
  TYPE,
} from '../../helpers/flood/frames.js';
import { Rig, until } from './support/rig.js';

t.setTimeout(60_000);

async function start(t: Test, limits: Partial<Limits> = {}) {
  const rig = await Rig.start({ limits });
  t.teardown(() => rig.stop());
  const { crt, key } = await rig.authority.client(['os:admin']);
  const ca = rig.authority.certificate;
  const session: ClientHttp2Session = connectHttp2(`https://localhost:${rig.port}`, { ca, cert: crt, key });
  session.on('error', () => {});
  t.teardown(() => session.destroy());
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return {
    rig,
    session,
    tls: { host: '127.0.0.1', port: rig.port, ca, cert: crt, key, servername: 'localhost', ALPNProtocols: ['h2'] },
  };
}

/** Begins a call, sends these bytes and leaves the request open. */
function begin(session: ClientHttp2Session, name: string, bytes: Buffer, headers: object = {}) {
  const request = session.request({
    ...{
      ':method': 'POST',
      ':path': `/machine.MachineService/${name}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    },
    ...headers,
  });
  request.on('error', () => {});
  request.resume();
  const outcome = new Promise<status | 'closed'>((resolve) => {
    const found = (answer: object) => {
      const code = (answer as Record<string, string>)['grpc-status'];
      if (code !== undefined) resolve(Number(code));
    };
    request
      .on('response', found)
      .on('trailers', found)
      .on('close', () => resolve('closed'));
  });
  if (bytes.length > 0) request.write(bytes);
  return { request, outcome };
}

t.test('a request that says that it is too large is refused at once, not read', async (t) => {
  const { rig, session } = await start(t);
  for (const [name, announced] of [
    ['ApplyConfiguration', 2 ** 30],
    ['ApplyConfiguration', DEFAULT_LIMITS.maxConfigRequestBytes + 1],
    ['ServiceStop', 2 ** 30],
    ['ServiceStop', 64 * KIB + 1],
    ['Version', 2 ** 32 - 1],
  ] as const) {
    const { outcome } = begin(session, name, grpcMessage(Buffer.alloc(10), announced));
    t.equal(await outcome, status.RESOURCE_EXHAUSTED, `${name}, ${announced} bytes`);
  }
  t.strictSame(rig.init.asked, [], 'nobody was asked');
  t.notOk(session.closed, 'the connection is still good');
});

t.test('what it decompresses to counts', async (t) => {
  const { session } = await start(t);
  const bomb = gzipSync(Buffer.alloc(MIB));
  t.ok(bomb.length < 2 * KIB);
  const compressed = Buffer.concat([Buffer.from([1]), grpcMessage(bomb).subarray(1)]);
  const { outcome, request } = begin(session, 'ServiceStop', compressed, { 'grpc-encoding': 'gzip' });
  request.end();
  t.equal(await outcome, status.RESOURCE_EXHAUSTED, '1 MiB in a kilobyte');
});

t.test('a machine config may be large, two at once', async (t) => {
  const { session } = await start(t);
  const part = grpcMessage(Buffer.alloc(512 * KIB), MIB);
  const first = begin(session, 'ApplyConfiguration', part);
  begin(session, 'ApplyConfiguration', part);
  const third = begin(session, 'ApplyConfiguration', part);
  t.equal(await third.outcome, status.RESOURCE_EXHAUSTED);
  first.request.close(8);
  await first.outcome;
  let outcome: unknown = status.RESOURCE_EXHAUSTED;
  while (outcome === status.RESOURCE_EXHAUSTED) {
    const next = begin(session, 'ApplyConfiguration', grpcMessage(Buffer.alloc(0)));
    next.request.end();
    outcome = await next.outcome;
  }
  t.not(outcome, 'closed', 'its place is given to the next');
});

t.test('so many calls at once, of one client and in all', async (t) => {
  const { rig, session } = await start(t, { maxCalls: 4, maxCallsPerClient: 3 });
  const held = [1, 2, 3].map(() => begin(session, 'Version', Buffer.alloc(0)));
  const fourth = begin(session, 'Version', grpcMessage(Buffer.alloc(0)));
  t.equal(await fourth.outcome, status.RESOURCE_EXHAUSTED, 'one too many of this client');
  const other = await rig.clientWith(['os:reader']);
  t.ok(await other.unary('Version', {}), 'another client has a place');
  for (const { request } of held) request.close(8);
  await until(() => rig.lines.length === 5, 'they have gone');
  const again = begin(session, 'Version', grpcMessage(Buffer.alloc(0)));
  again.request.end();
  t.equal(await again.outcome, status.OK);
});

t.test('a request has to come in time', async (t) => {
  const { session } = await start(t, { requestTimeoutMs: 100 });
  t.equal(await begin(session, 'Version', Buffer.alloc(0)).outcome, status.DEADLINE_EXCEEDED, 'nothing of it');
  t.equal(
    await begin(session, 'Version', grpcMessage(Buffer.alloc(5), 10)).outcome,
    status.DEADLINE_EXCEEDED,
    'half of it',
  );
  t.equal(
    await begin(session, 'Logs', grpcMessage(Buffer.alloc(0))).outcome,
    status.DEADLINE_EXCEEDED,
    'all but its end',
  );
});

t.test('an answer has to be taken in time', async (t) => {
  const { rig, tls } = await start(t, { answerTimeoutMs: 200 });
  const socket: TLSSocket = connect(tls);
  const resets: number[] = [];
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === TYPE.reset) resets.push(bytes.readUInt32BE(at + 5));
    }
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  socket.write(
    Buffer.concat([
      ...[PREFACE, settingsWithWindow(0)],
      frame(TYPE.headers, END_HEADERS, 1, callHeaders('/machine.MachineService/ServiceList')),
      frame(TYPE.data, 1, 1, grpcMessage(Buffer.alloc(0))),
    ]),
  );
  await until(() => resets.includes(1), 'the call of a client without a window is reset');
  await until(() => rig.lines.length === 1, 'and has its line');
  t.match(rig.lines[0], /ServiceList/);
  socket.destroy();
});

t.test('headers: size, number', async (t) => {
  const { session } = await start(t);
  const large = begin(session, 'Version', Buffer.alloc(0), { 'x-large': 'x'.repeat(20 * KIB) });
  t.not(await large.outcome, status.OK, '20 KiB');
  const { session: other } = await start(t);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'x']));
  t.not(await begin(other, 'Version', grpcMessage(Buffer.alloc(0)), many).outcome, status.OK, 'a hundred fields');
});

t.test('no more streams than were agreed on', async (t) => {
  const { rig, tls } = await start(t, { maxConcurrentCalls: 8 });
  const socket: TLSSocket = connect(tls);
  socket.on('error', () => {}).resume();
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const calls = Array.from({ length: 200 }, (_, at) =>
    frame(TYPE.headers, END_HEADERS, 2 * at + 1, callHeaders('/machine.MachineService/Version')),
  );
  socket.write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), ...calls]));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await closed;
  t.ok(
    rig.lines.filter((line) => line.includes('Version')).length <= 8,
    'eight calls, and the connection of who opens more is closed',
  );
});
