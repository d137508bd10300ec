/** A node without a machine config, and those who bring it one: osctl, strangers, networkd, somebody with a disk. */
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { Client, credentials, status } from '@grpc/grpc-js';
import t from 'tap';
import { MachineClient, MachineService, StorageService } from '../../../lib/client/index.js';
import { decodeNetworkDocument } from '../../../lib/config/network-document.js';
import { MAX_CONFIG_BYTES } from '../../../lib/config/size.js';
import type { RequestOf } from '../../../lib/control/protocol.js';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import { keyFingerprint } from '../../../lib/machined/maintenance.js';
import type { MachineNames } from '../../../lib/os/machine-names.js';
import { SERVICES } from '../../../lib/osd/api.js';
import { OsctlHome, osctlMain } from '../osctl/osctl-child.js';
import { rejection } from '../osd/support/rig.js';
import { generated } from './fixtures.js';
import { waitingNode } from './waiting-node.js';

const run = promisify(execFile);

/** Runs osctl to its end, whatever that is. */
async function osctl(home: OsctlHome, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await run(process.execPath, [osctlMain, ...words], { env: home.environment })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

t.test('osctl brings a config to a node in maintenance mode', async (t) => {
  const { controlplane } = await generated();
  const node = await waitingNode(t);
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const { port, material } = await node.serve();
  t.equal(material.isMaintenance, true);
  const fingerprint = keyFingerprint(material.certificate);
  const told = () => node.problems.filter((text) => /maintenance mode/.test(text));
  t.same(told(), [
    `maintenance mode: this node has no machine config and takes one at 192.0.2.15: osctl apply-config --insecure -n 192.0.2.15 --cert-fingerprint '${fingerprint}' -f FILE`,
  ]);
  node.addresses.push('2001:db8::15');
  node.maintenance.take({ kind: 'networkChanged', facts: {} as never });
  node.maintenance.take({ kind: 'networkChanged', facts: {} as never });
  t.equal(told().length, 2, 'again when there is another address, and not otherwise');
  const wanted = node.asked.find(({ method }) => method === 'setNetwork')?.body as RequestOf<'setNetwork'>;
  t.match(decodeNetworkDocument(wanted.document).interfaces, [{ selector: { isPhysical: true }, dhcp: {} }]);

  const file = await home.write('config.yaml', controlplane);
  const apply = (...words: string[]) =>
    osctl(home, '-n', `127.0.0.1:${port}`, 'apply-config', '--insecure', '-f', file, ...words);
  const wrong = await apply('--cert-fingerprint', createHash('sha256').update('another').digest('base64'));
  t.equal(wrong.code, 4, wrong.stderr);
  t.match(wrong.stderr, `its certificate has the fingerprint ${fingerprint}, which is not the one given`);
  const bad = await home.write(
    'bad.yaml',
    controlplane.replace('machine:\n', 'machine:\n  colour: blue\n  shape: round\n'),
  );
  const refused = await osctl(home, '-n', `127.0.0.1:${port}`, 'apply-config', '--insecure', '-f', bad);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /line \d+: machine\.colour: unknown field.*line \d+: machine\.shape: unknown field/s);
  t.notMatch(refused.stderr, /blue|round/);
  for (const mode of ['try', 'staged']) {
    t.match((await apply('-m', mode)).stderr, /is for a node that has a machine config/);
  }
  t.match((await apply('--dry-run')).stdout, /nothing was changed; without it: taken/);
  t.equal(node.maintenance.isOpen, true, 'nothing has happened so far');

  const hex = new X509Certificate(material.certificate).fingerprint256;
  const taken = await apply('--cert-fingerprint', fingerprint, '--cert-fingerprint', hex);
  t.equal(taken.code, 0, taken.stderr);
  t.match(taken.stdout, /^taken; the node goes on with it without a reboot/);
  t.match(await node.found, {
    found: { hostname: 'node-1' },
    source: /a client without a certificate at 127\.0\.0\.1/,
  });
  t.equal(node.maintenance.isOpen, false);
  const late = await apply();
  t.equal(late.code, 1);
  t.match(late.stderr, /this node has a machine config already/);

  node.volumes.statePath = node.statePath;
  await node.store.settle();
  t.equal(readFileSync(`${node.statePath}/config.yaml`, 'utf8'), controlplane, 'kept as soon as there is STATE');
});

t.test('osctl says what goes with what', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const file = await home.write('config.yaml', 'version: v1alpha1\n');
  const cases: [words: string[], why: RegExp][] = [
    [['apply-config', '-f', file, '--insecure'], /--insecure is for nodes that are named: give --nodes/],
    [['apply-config', '-f', file, '--cert-fingerprint', 'x'.repeat(44)], /SHA-256 digest/],
    [
      ['apply-config', '-f', file, '--cert-fingerprint', `${'x'.repeat(43)}=`],
      /--cert-fingerprint goes with --insecure/,
    ],
  ];
  for (const [words, why] of cases) {
    const { code, stderr } = await osctl(home, ...words);
    t.equal(code, 2, stderr);
    t.match(stderr, why);
  }
});

t.test('strangers: three calls are served, all others are refused with a sentence', async (t) => {
  const { controlplane } = await generated();
  const node = await waitingNode(t, { limits: { callBurst: 1000, callBurstPerAddress: 1000 } });
  const { port } = await node.serve();
  const client = new MachineClient({ endpoints: [`127.0.0.1:${port}`], credentials: { fingerprints: [] } });
  t.teardown(() => client.close());
  t.ok((await client.unary(MachineService.Version, {})).messages?.[0]?.version?.tag);
  t.match(await rejection(client.unary(StorageService.Disks, {})), /no query/, 'machined is asked');

  const comment = '# a comment that makes the config long\n';
  const large = comment.repeat(Math.floor((MAX_CONFIG_BYTES - controlplane.length) / comment.length)) + controlplane;
  const apply = (data: string | Buffer) =>
    client.unary(MachineService.ApplyConfiguration, { data: Buffer.from(data), dryRun: true });
  t.match((await apply(large)).messages?.[0]?.modeDetails, /dry run/);
  t.match(await rejection(apply(`${large}${'#'.repeat(MAX_CONFIG_BYTES - large.length + 1)}`)), /larger than 1 MiB/);
  t.ok(await rejection(apply(Buffer.alloc(3 * MAX_CONFIG_BYTES, 35))));
  t.match(await rejection(apply(Buffer.from([0x80]))), /not text/);
  t.ok(await rejection(apply('')));

  const anybody = credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  // An address is no name for a handshake (RFC 6066), and Node.js 26 refuses it.
  const grpc = new Client(`127.0.0.1:${port}`, anybody, { 'grpc.ssl_target_name_override': 'node' });
  t.teardown(() => grpc.close());
  const bytes = (value: Buffer) => value;
  const outcome = (path: string, isStream: boolean): Promise<{ code: number; details: string }> =>
    new Promise((resolve) => {
      const done = (error: unknown) => resolve(error as { code: number; details: string });
      if (isStream) grpc.makeServerStreamRequest(path, bytes, bytes, Buffer.alloc(0)).on('error', done).resume();
      else grpc.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), done);
    });
  const served = new Set<string>([
    MachineServiceDefinition.Version.path,
    MachineServiceDefinition.ApplyConfiguration.path,
    '/storage.StorageService/Disks',
  ]);
  let refused = 0;
  for (const { path, requestStream, responseStream } of SERVICES.flatMap((service) => Object.values(service))) {
    if (served.has(path) || requestStream) continue;
    const { code, details } = await outcome(path, responseStream);
    t.equal(code, status.UNIMPLEMENTED, path);
    t.match(details, /maintenance mode and serves ApplyConfiguration, Version and Disks/);
    refused++;
  }
  t.ok(refused > 50, `${refused} calls`);
});

t.test('a flood of strangers is bounded, and one who comes among them is served', async (t) => {
  const limits = {
    acceptsPerSecondPerAddress: 1000,
    acceptBurstPerAddress: 1000,
    acceptsPerSecond: 1000,
    acceptBurst: 1000,
  };
  const node = await waitingNode(t, { limits: { ...limits, maxConnections: 40, maxHandshakes: 20 } });
  const { port, server, lines } = await node.serve();
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    socket.on('error', () => {});
    return socket;
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve).once('secureConnect', resolve))),
  );
  t.ok(server.door.connections.total <= 40, `${server.door.connections.total} connections`);
  const client = new MachineClient({ endpoints: [`127.0.0.1:${port}`], credentials: { fingerprints: [] } });
  t.teardown(() => client.close());
  t.ok((await client.unary(MachineService.Version, {})).messages?.[0]);
  let refused = 0;
  for (let at = 0; at < 40; at++) {
    await client.unary(MachineService.Version, {}).catch(() => refused++);
  }
  t.ok(refused > 0, 'calls are counted, too');
  t.ok(lines.length < 200, `${lines.length} lines in the log`);
});

t.test('only osd is in maintenance, and only where there is nothing at all', async (t) => {
  const node = await waitingNode(t);
  const key = { publicKey: new Uint8Array([1]), signingRequest: new Uint8Array() };
  const trustd = node.connectionOf('trustd').request('issueCertificate', key, { deadlineMs: 700 });
  t.match(await rejection(trustd), /this node has no machine config/);
  await t.rejects(node.connectionOf('proxyd').request('offerConfig', {} as never), {
    name: 'ControlError',
    kind: 'PERMISSION_DENIED',
  });

  const stateProblem = 'the disk /dev/vda: EUCLEAN: structure needs cleaning';
  for (const options of [{ disk: () => 'version: v2\n' }, { state: 'version: v2\n' }, { stateProblem }]) {
    const other = await waitingNode(t, options);
    const osd = other.connectionOf('osd').request('issueCertificate', key, { deadlineMs: 700 });
    t.match(await rejection(osd), /cannot be used/, 'a config that is not valid may be that of the owner');
    t.equal(other.maintenance.isOpen, false);
    const wishes = other.asked.filter(({ method }) => method === 'setNetwork');
    t.same(wishes, [], 'nor is an address asked for, for somebody to come to');
  }
});

t.test('a STATE that cannot be mounted leaves the config disk', async (t) => {
  const { controlplane } = await generated();
  let text: string | undefined;
  const node = await waitingNode(t, { stateProblem: 'EIO: it is broken', disk: () => text });
  await node.until(() => node.problems.length > 0);
  t.same(node.problems, ['STATE cannot be used: EIO: it is broken; waiting for another']);
  text = controlplane;
  node.netlink.send({ subsystem: 'block', action: 'add' });
  t.match(await node.found, { source: 'the config disk' });
  t.equal(node.problems.at(-1), 'STATE cannot be used: EIO: it is broken; the config of the config disk is used');
});

t.test('a config disk that comes later counts, and ends maintenance mode', async (t) => {
  const { worker } = await generated();
  let text: string | undefined;
  const node = await waitingNode(t, { disk: () => text });
  await node.serve();
  text = worker;
  node.netlink.send({ subsystem: 'block', action: 'add' });
  t.match(await node.found, { source: 'the config disk' });
  t.equal(node.maintenance.isOpen, false);
  const offer = { data: Buffer.from(worker), upload: 0, source: 'late', isDryRun: false, problem: '' };
  await t.rejects(node.connectionOf('osd').request('offerConfig', offer), {
    name: 'ControlError',
    kind: 'FAILED_PRECONDITION',
  });
});

t.test('with talos.config= networkd is told where to fetch it, and nobody else is let in', async (t) => {
  const { controlplane } = await generated();
  const url = 'http://user:hunter2@192.0.2.1/node?token=1';
  const node = await waitingNode(t, { parameter: url, state: '' });
  await node.until(() => node.asked.some(({ method }) => method === 'setNetwork'));
  const wanted = node.asked.find(({ method }) => method === 'setNetwork')?.body as RequestOf<'setNetwork'>;
  t.equal(wanted.isUrgent, true);
  t.equal(decodeNetworkDocument(wanted.document).configUrl, url);
  const networkd = node.connectionOf('networkd');
  const offer = (change: Partial<RequestOf<'offerConfig'>>) =>
    networkd.request('offerConfig', {
      ...{ data: new Uint8Array(), upload: 0, source: 'http://192.0.2.1/node', isDryRun: false, problem: '' },
      ...change,
    });
  for (let twice = 0; twice < 2; twice++) await offer({ problem: 'http://192.0.2.1/node: status\n404' });
  t.equal(node.problems.filter((line) => /status.*404; it is tried again/.test(line)).length, 1, 'each reason once');
  await t.rejects(offer({ data: Buffer.from('version: v2\n') }), { name: 'ControlError', kind: 'INVALID_ARGUMENT' });
  t.ok(node.problems.some((line) => /config of http:\/\/192\.0\.2\.1\/node cannot be used: .*line 1/.test(line)));
  t.equal(node.maintenance.isOpen, false);
  await networkd.request('uploadPart', { upload: 1, data: Buffer.from(controlplane.slice(0, 100)) });
  await networkd.request('uploadPart', { upload: 1, data: Buffer.from(controlplane.slice(100)) });
  await offer({ upload: 1 });
  t.match(await node.found, { source: 'http://192.0.2.1/node' });
  t.notMatch([...node.problems, ...node.said].join('\n'), /hunter2|token=/);
});

t.test('a PID 1 that does not answer is asked for the network again', async (t) => {
  const node = await waitingNode(t, { parameter: 'http://192.0.2.1/node', state: '', networkRefusals: 2 });
  const wishes = () => node.asked.filter(({ method }) => method === 'setNetwork');
  await node.until(() => wishes().length === 3);
  t.equal(node.problems.filter((line) => /^the network was not asked for: the deadline is over/.test(line)).length, 2);
  t.strictSame(wishes()[2], wishes()[0]);
  const { controlplane } = await generated();
  await node.connectionOf('networkd').request('offerConfig', {
    ...{ data: Buffer.from(controlplane), upload: 0, source: 'http://192.0.2.1/node', isDryRun: false, problem: '' },
  });
  await node.found;
  t.equal(wishes().length, 3, 'and no more once it was taken');
});

t.test("the machine's own names are put into the URL, those of the network are left to networkd", async (t) => {
  const parameter = 'http://192.0.2.1/${serial}?uuid=${uuid}&mac=${mac}';
  const names: MachineNames = { uuid: 'u-1', serial: 'a/b&c' };
  const node = await waitingNode(t, { parameter, state: '', names });
  await node.until(() => node.asked.some(({ method }) => method === 'setNetwork'));
  const wanted = node.asked.find(({ method }) => method === 'setNetwork')?.body as RequestOf<'setNetwork'>;
  t.equal(decodeNetworkDocument(wanted.document).configUrl, 'http://192.0.2.1/a%2Fb%26c?uuid=u-1&mac=${mac}');

  const silent = await waitingNode(t, { parameter, names: { uuid: 'u-1' } });
  await silent.serve();
  t.equal(
    silent.problems[0],
    'talos.config= is not supported with ${serial} here: the firmware of this machine does not say it',
  );
});

t.test('talos.config=file: names a file; what is not supported is said', async (t) => {
  const { controlplane } = await generated();
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const file = await home.write('config.yaml', controlplane);
  const node = await waitingNode(t, { parameter: `file://${file}` });
  t.match(await node.found, { source: `the file ${file}` });
  const missing = await waitingNode(t, { parameter: 'file:///nowhere/config.yaml' });
  await missing.until(() => missing.problems.length > 0);
  t.match(missing.problems[0], /the file \/nowhere\/config\.yaml cannot be used: .*ENOENT/);
  const odd = await waitingNode(t, { parameter: 'metal-iso' });
  await odd.serve();
  t.match(odd.problems[0], /talos\.config=metal-iso is not supported/);
});
