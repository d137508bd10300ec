/** Clients that are let in and misbehave: they lose their connection, nobody else does. Run by ../hostile.test.ts. */

import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { MIB } from '../../../../lib/base/units.js';
import { frame, PREFACE } from '../../../helpers/flood/frames.js';
import { Rig, until } from './rig.js';

const HEADERS = {
  ':method': 'POST',
  ':path': '/machine.MachineService/ServiceStop',
  'content-type': 'application/grpc',
  te: 'trailers',
};

const SETTINGS = frame(4, 0, 0, new Uint8Array());

async function authenticated(rig: Rig): Promise<{ socket: TLSSocket; isClosed: () => boolean }> {
  const { crt, key } = await rig.authority.client(['os:operator']);
  const ca = rig.authority.certificate;
  const socket = connect({
    host: '127.0.0.1',
    port: rig.port,
    ca,
    cert: crt,
    key,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
  });
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  socket.resume();
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return { socket, isClosed: () => isClosed };
}

t.test('bytes that are no HTTP/2, and HTTP/2 that breaks its rules', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const good = await rig.clientWith(['os:reader']);
  const attacks: Record<string, Buffer> = {
    'no preface': Buffer.alloc(1000, 'x'),
    'HTTP/1.1': Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
    'a header block that is no HPACK': Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, Buffer.alloc(40, 0xff))]),
    'data on a stream that does not exist': Buffer.concat([PREFACE, SETTINGS, frame(0, 1, 5, Buffer.alloc(10))]),
    'a frame above the limit': Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 1, Buffer.alloc(100_000))]),
    'a window that overflows': Buffer.concat([
      PREFACE,
      SETTINGS,
      frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]),
    'a header block without end': Buffer.concat([
      PREFACE,
      SETTINGS,
      frame(1, 0, 1, Buffer.from([0x82])),
      ...Array.from({ length: 4000 }, () => frame(9, 0, 1, Buffer.alloc(1000, 0x40))),
    ]),
    'a flood of settings': Buffer.concat([PREFACE, ...Array.from({ length: 20_000 }, () => SETTINGS)]),
    'a flood of pings': Buffer.concat([
      PREFACE,
      SETTINGS,
      ...Array.from({ length: 50_000 }, () => frame(6, 0, 0, Buffer.alloc(8))),
    ]),
  };
  for (const [what, bytes] of Object.entries(attacks)) {
    const { socket, isClosed } = await authenticated(rig);
    // All of it is out, or the connection is gone before that.
    await new Promise((resolve) => socket.write(bytes, resolve));
    t.ok(await good.unary('Version', {}), `${what}: others are served`);
    socket.end();
    await until(isClosed, `the connection is closed: ${what}`);
  }
  await until(() => rig.server.frontDoor.connections.total === 1, 'all of them are forgotten');
});

t.test('resets at any point', async (t) => {
  const rig = await Rig.start({ limits: { acceptBurst: 1000, acceptBurstPerAddress: 1000 } });
  t.teardown(() => rig.stop());
  const good = await rig.clientWith(['os:reader']);
  await good.unary('Version', {});
  const opening = Buffer.concat([PREFACE, SETTINGS]);
  for (let cut = 0; cut <= opening.length; cut += 3) {
    const { socket } = await authenticated(rig);
    socket.write(opening.subarray(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
  }
  await until(() => rig.server.frontDoor.connections.total === 1, 'all of them are forgotten');
  t.ok(await good.unary('Version', {}));
});

t.test('messages that are larger than they look', async (t) => {
  const rig = await Rig.start({ limits: { maxConfigRequestBytes: MIB } });
  t.teardown(() => rig.stop());
  const { crt, key } = await rig.authority.client(['os:operator']);
  const session: ClientHttp2Session = connectHttp2(`https://localhost:${rig.port}`, {
    ca: rig.authority.certificate,
    cert: crt,
    key,
  });
  t.teardown(() => session.destroy());
  const grpcStatus = (headers: object, body: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const request = session.request({ ...HEADERS, ...headers });
      request.on('error', () => {});
      request.on('response', (response) => resolve(String(response['grpc-status'])));
      request.on('close', () => resolve('closed'));
      request.end(body);
      request.resume();
    });
  const message = (flag: number, length: number, body: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flag, 0);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, body]);
  };
  const bomb = gzipSync(Buffer.alloc(64 * MIB));
  t.equal(
    await grpcStatus({ 'grpc-encoding': 'gzip' }, message(1, bomb.length, bomb)),
    '8',
    'one that unpacks to 64 MiB',
  );
  t.equal(await grpcStatus({}, message(0, 0xffffffff, Buffer.alloc(10))), '8', 'one that says it has 4 GiB');
  t.equal(await grpcStatus({}, message(0, 3, Buffer.from([0x0a, 0xff, 0xff]))), '13', 'one that is no protobuf');
  t.not(await grpcStatus({}, message(7, 2, Buffer.from([0x0a, 0x00]))), '0', 'one with flags that do not exist');
  t.strictSame(rig.init.bodies('controlService'), [], 'none of them came to a handler');
  t.equal(session.closed, false, 'and the connection is still good for others');
});
