/** What osd writes down about calls and connections: all of them, and nothing that it should not. */
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import { SERVICES } from '../../../lib/osd/api.js';
import { Refusals } from '../../../lib/server/refusals.js';
import { CLIENT_AUTH } from './support/authority.js';
import { OsdNode } from './support/osd-node.js';
import { Rig, rejection, until } from './support/rig.js';

t.setTimeout(60_000);
const CALLS = SERVICES.flatMap((service) => Object.values(service));

t.test(
  'a line a call: who, with which certificate and roles, what, from where, how it ended, how long it took',
  async (t) => {
    const rig = await Rig.start();
    t.teardown(() => rig.stop());
    const pair = await rig.authority.odd({
      subject: [{ CN: ['jane'] }, { O: ['os:reader', 'os:stranger'] }],
      usages: [CLIENT_AUTH],
    });
    const client = rig.client(pair);
    await client.unary('Version', {});
    const fingerprint = [...rig.server.frontDoor.connections.fingerprints()][0] ?? '';
    const short = fingerprint.replaceAll(':', '').slice(0, 16).toLowerCase();
    t.match(
      rig.lines[0],
      new RegExp(
        `^OK /machine\\.MachineService/Version \\d+\\.\\d ms peer=127\\.0\\.0\\.1:\\d+ cn="jane" certificate=${short} roles="os:reader,os:stranger"$`,
      ),
    );
    await rejection(client.unary('Reboot', {}));
    t.match(rig.lines[1], /^PERMISSION_DENIED \/machine\.MachineService\/Reboot .* cn="jane" .* "Reboot needs one of /);
    rig.init.answers.listServices = () => new Promise(() => {});
    const same = (bytes: Buffer) => bytes;
    const { path } = MachineServiceDefinition.ServiceList;
    const call = client.grpc.makeUnaryRequest(path, same, same, Buffer.alloc(0), () => {});
    await until(() => rig.init.bodies('listServices').length > 0, 'its handler runs');
    call.cancel();
    await until(() => rig.lines.length === 3, 'a call that is taken back has its line');
    t.match(rig.lines[2], /^CANCELLED \/machine\.MachineService\/ServiceList \d/);
  },
);

t.test('requests are not logged: secrets in them stay where they are', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const admin = await rig.clientWith(['os:admin']);
  const secret = 'TOP-SECRET-b64-c2VjcmV0';
  // Field 1 and 2 of every request: text, bytes, or a wrong type; none of it may show up.
  const field = (number: number) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, secret.length]), Buffer.from(secret)]);
  const secretive = CALLS.filter(({ path }) =>
    /Apply|Read|Copy|Generate|Kubeconfig|Bootstrap|EtcdRecover|MetaWrite|Upgrade|Reset|List$|DiskUsage/.test(path),
  );
  t.ok(secretive.length > 10);
  for (const call of secretive) {
    for (const request of [field(1), field(2), Buffer.concat([field(1), field(2)])]) await admin.status(call, request);
  }
  t.equal(rig.lines.filter((line) => line.includes(' peer=')).length, 3 * secretive.length, 'each has its line');
  t.notMatch(rig.lines.join('\n'), 'TOP-SECRET', 'without what was in the request');
});

t.test('names in certificates cannot forge a line', async (t) => {
  const node = await OsdNode.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  node.hasConfig = true;
  const evil = '\n2026-01-01T00:00:00.000Z OK /machine.MachineService/Reset\x1b[2J\u202e"';
  const odd = await node.authority.odd({
    subject: [{ CN: [evil.slice(0, 60)] }, { O: ['os:reader', `x${evil.slice(0, 60)}`] }],
    usages: [CLIENT_AUTH],
  });
  const client = await node.clientFor(odd);
  await client.unary('Version', {});
  await rejection(client.unary('ServiceStop', { id: 'a\nb' }));
  await until(() => node.output.includes('ServiceStop'), 'it is logged');
  client.grpc.close();
  for (const line of node.output.trimEnd().split('\n'))
    t.match(line, /^(\d{4}-[^ ]*Z (?!OK \S*Reset)| {2})[\x20-\x7e]*$/);
  t.match(node.output, 'cn="\\x0a2026-01-01T00:00:00.000Z OK');
});

t.test('what is refused is counted; lines about it are bounded, and say how many had none', async (t) => {
  const lines: string[] = [];
  const refusals = new Refusals((line) => lines.push(line), 20);
  for (let at = 0; at < 10_000; at += 1) refusals.add({ remoteAddress: '192.0.2.1', remotePort: at }, 'no reason');
  t.equal(refusals.total, 10_000);
  t.ok(lines.length <= 25, `${lines.length} lines`);
  const told = lines.filter((line) => line === 'refused 192.0.2.1:0: no reason');
  t.equal(told.length, 1);
  const direct = lines.length;
  await until(() => lines.length > direct, 'the rest is told without another refusal');
  t.equal(lines.at(-1), `refused ${10_000 - direct} more connections; 10000 since the start`);
});

t.test('connections that are refused, against a server', async (t) => {
  const rig = await Rig.start({ limits: { acceptsPerSecond: 0.001, acceptBurst: 5 } });
  t.teardown(() => rig.stop());
  const sockets: Socket[] = Array.from({ length: 100 }, () => connect(rig.port, '127.0.0.1').on('error', () => {}));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await until(() => rig.server.frontDoor.refusals.total === 95, 'all but five are refused and counted');
  t.match(rig.lines[0], /^refused 127\.0\.0\.1:\d+: more than 0\.001 connections a second$/);
  t.ok(rig.lines.length <= 25, `${rig.lines.length} lines`);
});
