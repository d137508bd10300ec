/** Who gets in and what they may do, against a real server: every call with every kind of client. */
import { connect, type TLSSocket } from 'node:tls';
import { type Server, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import t from 'tap';
import type { PemPair } from '../../../lib/base/secrets-bundle.js';
import { HOUR_MS } from '../../../lib/base/units.js';
import { SERVICES } from '../../../lib/osd/api.js';
import { RULES } from '../../../lib/osd/authorisation.js';
import { Authority, CLIENT_AUTH, SERVER_AUTH } from './support/authority.js';
import { type ApiClient, Rig, rejection, until } from './support/rig.js';

const CALLS = SERVICES.flatMap((service) => Object.values(service));
const isLetIn = ({ code }: { code: status }) => code !== status.PERMISSION_DENIED && code !== status.UNAUTHENTICATED;

t.test('every call with every role, and with several', async (t) => {
  const rig = await Rig.start({ limits: { acceptBurst: 1000, acceptBurstPerAddress: 1000 } });
  t.teardown(() => rig.stop());
  const kinds: readonly string[][] = [
    ['os:admin'],
    ['os:operator'],
    ['os:reader'],
    ['os:etcd:backup'],
    ['os:stranger'],
    ['os:reader', 'os:etcd:backup'],
    ['os:stranger', 'os:admin'],
  ];
  for (const roles of kinds) {
    const client = await rig.clientWith(roles);
    for (const call of CALLS) {
      const outcome = await client.status(call);
      const mayCall = roles.some((role) => RULES[call.path]?.includes(role));
      t.equal(isLetIn(outcome), mayCall, `${call.path} as ${roles}: ${status[outcome.code]}`);
    }
  }
  const logged = () => rig.lines.filter((line) => line.includes(' peer=')).length;
  // A stream that its client has left has its line a moment later.
  await until(() => logged() >= kinds.length * CALLS.length, 'each call has its line');
  t.equal(logged(), kinds.length * CALLS.length, 'and no more than one');
});

t.test('every call with a certificate that is none of ours, and with none', async (t) => {
  const rig = await Rig.start({ limits: { acceptBurst: 1000, acceptBurstPerAddress: 1000 } });
  t.teardown(() => rig.stop());
  const { authority } = rig;
  const stranger = await Authority.create();
  const clients: Record<string, ApiClient> = {
    'no certificate': rig.client(undefined),
    'another authority': rig.client(await stranger.client(['os:admin'])),
    expired: rig.client(await authority.odd({ usages: [CLIENT_AUTH], notAfter: Date.now() - 1000 })),
    'not valid yet': rig.client(await authority.odd({ usages: [CLIENT_AUTH], notBefore: Date.now() + HOUR_MS / 2 })),
  };
  for (const [what, client] of Object.entries(clients)) {
    for (const { call, outcome } of await Promise.all(
      CALLS.map(async (call) => ({ call, outcome: await client.status(call) })),
    )) {
      t.equal(outcome.code, status.UNAVAILABLE, `${call.path}, ${what}`);
    }
  }
  t.strictSame(
    rig.lines.filter((line) => line.includes(' peer=')),
    [],
    'no call came through',
  );
});

t.test('a new call of whatever kind that nobody made a rule for needs os:admin', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const same = (bytes: Buffer) => bytes;
  const kinds = [false, true].flatMap((requestStream) =>
    [false, true].map((responseStream) => ({
      path: `/machine.MachineService/New${requestStream}${responseStream}`,
      ...{ requestStream, responseStream },
      ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
    })),
  );
  const served: string[] = [];
  const grpc: unknown = Reflect.get(rig.server, 'grpc');
  (grpc as Server).addService(
    Object.fromEntries(kinds.map((kind) => [kind.path, kind])),
    Object.fromEntries(
      kinds.map(({ path, responseStream }) => [
        path,
        (call: { end(): void }, callback: (error: null, bytes: Buffer) => void) => {
          served.push(path);
          if (responseStream) call.end();
          else callback(null, Buffer.alloc(0));
        },
      ]),
    ) as unknown as UntypedServiceImplementation,
  );
  const nameOnly = await rig.authority.odd({ subject: [{ CN: ['os:admin'] }], usages: [CLIENT_AUTH] });
  const others = await rig.authority.client(['os:operator', 'os:reader', 'os:etcd:backup', 'os:stranger']);
  for (const client of [rig.client(nameOnly), rig.client(others)]) {
    for (const kind of kinds) t.equal((await client.status(kind)).code, status.PERMISSION_DENIED, kind.path);
  }
  t.strictSame(served, [], 'its handler was not asked');
  const admin = await rig.clientWith(['os:admin']);
  for (const kind of kinds) t.equal((await admin.status(kind)).code, status.OK, kind.path);
  t.equal(served.length, 4);
});

t.test('a call that there is not: the same rule, a line in the log, whatever its name is', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const admin = await rig.clientWith(['os:admin']);
  const reader = await rig.clientWith(['os:reader']);
  const paths = [
    '/machine.MachineService/Nothing',
    '/cosi.resource.State/Get',
    '/',
    `/${'x'.repeat(5000)}`,
    '/a"b\\c%0aOK',
    '/é',
  ];
  for (const path of paths) {
    const call = { path, requestStream: false, responseStream: false };
    t.equal((await reader.status(call)).code, status.PERMISSION_DENIED, path.slice(0, 40));
    t.equal((await admin.status(call)).code, status.UNIMPLEMENTED, path.slice(0, 40));
  }
  t.match(
    (await admin.status({ path: '/x/Y', requestStream: true, responseStream: true })).details,
    'this node has no call "/x/Y"',
  );
  t.equal(rig.lines.length, 2 * paths.length + 1);
  for (const line of rig.lines) t.match(line, /^(PERMISSION_DENIED|UNIMPLEMENTED) \S{1,128} \d+\.\d ms peer=/);
});

t.test('a certificate with several roles has the rights of each', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:stranger', 'os:reader', 'os:operator']);
  t.equal((await client.unary('ServiceStop', { id: 'osd' })).messages?.[0]?.resp, 'STOP osd');
  const separate = rig.client(
    await rig.authority.odd({ subject: [{ O: ['os:reader'] }, { O: ['os:operator'] }], usages: [CLIENT_AUTH] }),
  );
  t.equal(
    (await separate.unary('ServiceStop', { id: 'osd' })).messages?.[0]?.resp,
    'STOP osd',
    'in names of their own, too',
  );
});

t.test('a role is one value of the subject, not something inside another', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const forgeries = [
    [{ O: ['os:reader\nO=os:admin'] }],
    [{ O: ['os:reader, O=os:admin'] }],
    [{ O: ['os:reader+O=os:admin'] }],
    [{ CN: ['x\nO=os:admin'] }, { O: ['os:reader'] }],
    [{ OU: ['os:admin'] }, { O: ['os:reader'] }],
  ];
  for (const subject of forgeries) {
    const client = rig.client(await rig.authority.odd({ subject, usages: [CLIENT_AUTH] }));
    const { code } = await rejection(client.unary('Reboot', {}));
    t.equal(code, status.PERMISSION_DENIED, JSON.stringify(subject));
  }
  t.strictSame(rig.init.bodies('power'), [], 'and nothing happened');
});

t.test('certificates that are refused', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const stranger = await Authority.create();
  const refused: Record<string, PemPair> = {
    'of another authority': await stranger.client(['os:admin']),
    expired: await rig.authority.odd({ usages: [CLIENT_AUTH], notAfter: Date.now() - 1000 }),
    'not valid yet': await rig.authority.odd({ usages: [CLIENT_AUTH], notBefore: Date.now() + HOUR_MS / 2 }),
    'for servers': await rig.authority.odd({ usages: [SERVER_AUTH] }),
    'for clients and servers': await rig.authority.odd({ usages: [CLIENT_AUTH, SERVER_AUTH] }),
    'without a usage': await rig.authority.odd({}),
    'an authority itself': await rig.authority.odd({ usages: [CLIENT_AUTH], isAuthority: true }),
    'with too many roles': await rig.authority.odd({
      usages: [CLIENT_AUTH],
      subject: [{ O: Array.from({ length: 17 }, (_, at) => `role-${at}`) }, { O: ['os:admin'] }],
    }),
  };
  for (const [what, pair] of Object.entries(refused)) {
    const error = await rejection(rig.client(pair).unary('Version', {}));
    t.equal(error.code, status.UNAVAILABLE, what);
  }
  t.notOk(
    rig.lines.some((line) => line.includes('/machine.MachineService/')),
    'no call came through',
  );
  await until(() => rig.server.frontDoor.connections.total === 0, 'all connections are gone');
});

t.test('keys of clients: Ed25519 and ECDSA P-256, no others', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const rsa = { name: 'RSASSA-PKCS1-v1_5', publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  const usages = [CLIENT_AUTH];
  for (const [what, keys] of Object.entries({
    'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
    'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
    'RSA 1024': { ...rsa, modulusLength: 1024 },
    'RSA 2048': { ...rsa, modulusLength: 2048 },
  })) {
    const client = rig.client(await rig.authority.odd({ usages, keys }));
    if (what === 'P-256') t.ok(await client.unary('Version', {}), what);
    else t.equal((await rejection(client.unary('Version', {}))).code, status.UNAVAILABLE, what);
  }
  t.match(rig.lines.join('\n'), /refused .*: the key is rsa 2048, not ed25519 or ec prime256v1/);
  t.ok(await rig.client(await rig.authority.odd({ usages })).unary('Version', {}), 'Ed25519');
});

t.test('no certificate, an old TLS, no HTTP/2', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const pair = await rig.authority.client(['os:admin']);
  const ca = rig.authority.certificate;
  const base = { host: '127.0.0.1', port: rig.port, ca, servername: 'localhost', ALPNProtocols: ['h2'] };
  const identity = { cert: pair.crt, key: pair.key };
  t.equal(await fate({ ...base, ...identity }), 'open', 'a good client');
  t.equal(await fate(base), 'closed', 'no certificate');
  t.equal(await fate({ ...base, ...identity, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), 'closed', 'TLS 1.2');
  t.equal(await fate({ ...base, ...identity, ALPNProtocols: ['http/1.1'] }), 'closed', 'HTTP/1.1 by ALPN');
  t.equal(await fate({ ...base, ...identity, ALPNProtocols: [] }), 'closed', 'no ALPN');

  /** A connection that stays open for 300 ms after its handshake was let in. */
  function fate(options: object): Promise<'open' | 'closed'> {
    return new Promise((resolve) => {
      const socket: TLSSocket = connect(options);
      socket.on('error', () => {});
      socket.on('close', () => resolve('closed'));
      socket.on('secureConnect', () =>
        setTimeout(() => {
          resolve('open');
          socket.destroy();
        }, 300),
      );
    });
  }
});

t.test('a session cannot be taken up again', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const pair = await rig.authority.client(['os:admin']);
  const base = {
    host: '127.0.0.1',
    port: rig.port,
    ca: rig.authority.certificate,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
  };
  const first = connect({ ...base, cert: pair.crt, key: pair.key });
  const sessions: Buffer[] = [];
  first.on('error', () => {});
  first.on('session', (session) => sessions.push(session));
  await new Promise((resolve) => first.once('data', resolve));
  first.destroy();
  for (const session of sessions) {
    const second = connect({ ...base, cert: pair.crt, key: pair.key, session });
    second.on('error', () => {});
    await new Promise((resolve) => second.once('data', resolve));
    t.notOk(second.isSessionReused(), 'a full handshake');
    second.destroy();
  }
  t.pass(`${sessions.length} sessions were offered`);
});

t.test('a connection ends when its certificate does', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = rig.client(
    await rig.authority.client(['os:reader'], { now: Date.now() - HOUR_MS, lifetimeMs: HOUR_MS + 2000 }),
  );
  await client.unary('Version', {});
  t.equal(rig.server.frontDoor.connections.total, 1);
  await until(() => rig.server.frontDoor.connections.total === 0, 'the connection is closed');
  t.match(rig.lines.join('\n'), /certificate has expired/);
  t.ok(await rejection(client.unary('Version', {})), 'and does not come back');
});

t.test(
  'rotation: a new certificate for new connections, old ones stay; a removed authority closes its clients',
  async (t) => {
    const rig = await Rig.start();
    t.teardown(() => rig.stop());
    const newcomer = await Authority.create();
    const oldClient = await rig.clientWith(['os:reader']);
    await oldClient.unary('Version', {});

    rig.server.rotate(await rig.authority.material([rig.authority.certificate, newcomer.certificate]));
    await oldClient.unary('Version', {});
    t.equal(rig.server.frontDoor.connections.total, 1, 'the connection has stayed');
    const newClient = rig.client(await newcomer.client(['os:reader']));
    await newClient.unary('Version', {});
    const plain = connect({
      host: '127.0.0.1',
      port: rig.port,
      ca: rig.authority.certificate,
      ALPNProtocols: ['h2'],
      maxVersion: 'TLSv1.2',
    });
    plain.on('error', () => {});
    await new Promise((resolve) => plain.once('close', resolve));
    t.pass('TLS 1.2 is refused after a rotation too');

    rig.server.rotate(await rig.authority.material([newcomer.certificate]));
    await until(() => rig.server.frontDoor.connections.total === 1, 'the old client is cut');
    await newClient.unary('Version', {});
    t.ok(await rejection(oldClient.unary('Version', {})), 'the old client stays out');
  },
);
