/** The whole of osd as a process, with the addon's channels and rings between it and a test that plays init and machined. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type PeerCertificate } from 'node:tls';
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { common, time } from '../../../lib/gen/machine/machine.js';
import { TimeServiceDefinition } from '../../../lib/gen/machine/service.js';
import { OsdNode } from './support/osd-node.js';
import { rejection, until } from './support/rig.js';

t.setTimeout(60_000);
/** What a new connection is shown. */
async function shownCertificate(node: OsdNode): Promise<PeerCertificate> {
  const { crt, key } = await node.authority.client(['os:reader']);
  const base = { host: '127.0.0.1', port: node.port, ca: node.authority.certificate, servername: 'localhost' };
  const socket = connect({ ...base, cert: crt, key, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerCertificate();
  socket.destroy();
  return shown;
}

const text = (items: common.Data[]) => items.map((item) => Buffer.from(item.bytes).toString()).join('');

t.test('from its start to its end', async (t) => {
  const node = await OsdNode.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  await until(
    () => node.output.includes('no certificate yet: there is no config yet'),
    'it says what it waits for',
    20_000,
  );
  node.hasConfig = true;
  const client = await node.client(['os:operator']);
  t.match(await client.unary('Version', {}), { messages: [{ version: { os: 'linux' } }] });

  node.ring.write('one\ntwo\nthree\n');
  const log = { namespace: 'system', id: 'osd' };
  t.equal(text(await client.collect('Logs', { ...log, tailLines: -1 })), 'one\ntwo\nthree\n', 'the ring');
  t.equal(text(await client.collect('Logs', { ...log, tailLines: 1 })), 'three\n', 'its end');

  const items: common.Data[] = [];
  const call = client.stream('Logs', { ...log, follow: true, tailLines: 0 });
  call.on('error', () => {}).on('data', (item: common.Data) => items.push(item));
  await new Promise((resolve) => call.once('metadata', resolve));
  const latencies: number[] = [];
  for (let at = 0; at < 50; at += 1) {
    const startedMs = performance.now();
    node.ring.write(`line ${at}\n`);
    await until(() => text(items).endsWith(`line ${at}\n`), 'the line came');
    latencies.push(performance.now() - startedMs);
  }
  latencies.sort((left, right) => left - right);
  t.ok(
    (latencies[25] ?? Number.POSITIVE_INFINITY) < 200,
    `half of the lines came within ${latencies[25]?.toFixed(1)} ms`,
  );
  call.cancel();
  await until(() => node.subscriptions.count === 0, 'the subscription was ended');

  t.match(await client.unary('Reboot', {}), { messages: [{ actorId: /-/ }] });
  t.match(node.powerRequests, [{ action: 'REBOOT', force: false, reason: /^reboot over the API by / }]);

  const follow = rejection(client.collect('Logs', { ...log, follow: true }));
  await until(() => node.subscriptions.count === 1, 'it follows');
  node.connection.sendEvent({ kind: 'shuttingDown' });
  t.match(await follow, { code: status.UNAVAILABLE, details: 'the node is going down' });
  client.grpc.close();
  t.same(await node.child.exited, { kind: 'exited', code: 0 });
});

t.test('a reader that cannot keep up: bounded, and every line is there or counted', async (t) => {
  const node = await OsdNode.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  node.hasConfig = true;
  const client = await node.client(['os:reader']);
  const call = client.stream('Logs', { namespace: 'system', id: 'osd', follow: true, tailLines: -1 });
  call.on('error', () => {});
  call.pause();
  await once(call, 'metadata');
  const lines = 40_000;
  // Of every length up to 1,000, in an order that is always the same; what a line says follows from its number.
  const line = (number: number) => `${String(number).padStart(9, '0')}${'x'.repeat((number * 7919) % 991)}\n`;
  let [next, missed, missedBytes, cameBytes, writtenBytes] = [0, 0, 0, 0, 0];
  let isAsWritten = true;
  call.on('data', (item: common.Data) => {
    const [, records = 0, bytes = 0] = /^missed (\d+) records, (\d+) bytes$/.exec(item.metadata?.error ?? '') ?? [];
    missed += Number(records);
    missedBytes += Number(bytes);
    next += Number(records);
    cameBytes += item.bytes.length;
    if (item.bytes.length === 0) return;
    for (const row of Buffer.from(item.bytes)
      .toString()
      .split(/(?<=\n)/)) {
      if (row !== line(next)) isAsWritten = false;
      next += 1;
    }
  });
  for (let at = 0; at < lines; at += 1000) {
    const block = Array.from({ length: 1000 }, (_, number) => line(at + number)).join('');
    writtenBytes += block.length;
    node.ring.write(block);
    // It takes a little in the middle, and is slow again.
    if (at === 12_000) call.resume();
    if (at === 15_000) call.pause();
    await new Promise((resolve) => setImmediate(resolve));
  }
  call.resume();
  await until(() => next === lines, 'all is accounted for', 20_000);
  t.ok(isAsWritten, `each line once, in order; ${missed} of ${lines} missed`);
  t.equal(cameBytes + missedBytes, writtenBytes, 'to the byte');
  call.cancel();
  client.grpc.close();
});

t.test(
  'a certificate that is renewed at half of its life: streams go on, new connections see the new one',
  async (t) => {
    const node = await OsdNode.start();
    t.teardown(() => node.child.kill('SIGKILL'));
    node.lifetimeMs = 3000;
    node.hasConfig = true;
    const client = await node.client(['os:reader']);
    const before = await shownCertificate(node);
    const items: common.Data[] = [];
    const call = client.stream('Logs', { namespace: 'system', id: 'osd', follow: true, tailLines: 0 });
    call.on('error', () => {}).on('data', (item: common.Data) => items.push(item));
    await once(call, 'metadata');
    await until(() => (node.output.match(/renewed the certificate/g) ?? []).length >= 3, 'three renewals');
    node.ring.write('still there\n');
    await until(() => text(items) === 'still there\n', 'the stream has outlived the first certificate');
    const after = await shownCertificate(node);
    t.not(after.fingerprint256, before.fingerprint256, 'another certificate');
    t.not(after.pubkey?.toString('hex'), before.pubkey?.toString('hex'), 'of another key');
    call.cancel();
    client.grpc.close();
  },
);

t.test('SIGTERM ends it, with a certificate or without', async (t) => {
  const waiting = await OsdNode.start();
  await until(() => waiting.output !== '', 'it waits for a certificate', 20_000);
  waiting.child.kill('SIGTERM');
  t.same(await waiting.child.exited, { kind: 'exited', code: 0 });

  const serving = await OsdNode.start();
  serving.hasConfig = true;
  const client = await serving.client(['os:reader']);
  await client.unary('Version', {});
  serving.child.kill('SIGTERM');
  t.same(await serving.child.exited, { kind: 'exited', code: 0 });
  t.match(serving.output, /listening on .* port \d+\n[\s\S]*stopping: SIGTERM/);
  client.grpc.close();
});

/** Asked for any name it gives this address. */
async function nameServer(t: Test, address: string): Promise<string> {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.on('message', (question, { address: host, port }) => {
    // Type A of the first question, whose name has no pointers; other types have no answer.
    const end = question.indexOf(0, 12) + 5;
    const isA = question.readUInt16BE(end - 4) === 1;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(isA ? 1 : 0, 6);
    header.fill(0, 8);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]);
    socket.send([header, question.subarray(12, end), ...(isA ? [record] : [])], port, host);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

/** A time server half an hour ahead, at the port that clients ask. */
async function timeServer(t: Test, address: string): Promise<void> {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.on('message', (question, { address: host, port }) => {
    const answer = Buffer.alloc(48);
    answer.set([0x24, 2]);
    question.copy(answer, 24, 40, 48);
    const seconds = Math.floor(Date.now() / 1000) + 2_208_988_800 + 1800;
    for (const offset of [32, 40]) answer.writeUInt32BE(seconds, offset);
    socket.send(answer, port, host);
  });
  socket.bind(123, address);
  await once(socket, 'listening');
}

t.test('a time server is found by its name and asked, within the system calls that osd has', async (t) => {
  const node = await OsdNode.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  node.hasConfig = true;
  const address = '127.44.0.1';
  await timeServer(t, address);
  node.timeFacts = { timeServers: ['time.example'], nameServers: [await nameServer(t, address)] };
  const client = await node.client(['os:reader']);
  const { Time } = TimeServiceDefinition;
  const serialize = Time.requestSerialize as (value: object) => Buffer;
  const reply = await new Promise<time.TimeResponse | undefined>((resolve, reject) => {
    client.grpc.makeUnaryRequest(Time.path, serialize, Time.responseDeserialize, {}, (error, value) =>
      error ? reject(error) : resolve(value),
    );
  });
  const [message] = reply?.messages ?? [];
  t.equal(message?.server, 'time.example');
  const aheadSeconds = Number(message?.remotetime?.seconds) - Number(message?.localtime?.seconds);
  t.ok(Math.abs(aheadSeconds - 1800) <= 2, `${aheadSeconds} s`);
  client.grpc.close();
});

t.test('without init there is no osd', async (t) => {
  const node = await OsdNode.start();
  await until(() => node.output !== '', 'it has started', 20_000);
  node.connection.close();
  t.same(await node.child.exited, { kind: 'exited', code: 1 });
  t.match(node.output, /the control connection is gone/);
});
