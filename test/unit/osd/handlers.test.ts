import { Metadata, status } from '@grpc/grpc-js';
import t from 'tap';
import { ControlError } from '../../../lib/control/errors.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { FakeInit, SERVICES } from './support/fake-init.js';
import { Rig, rejection } from './support/rig.js';

t.test('who the node is', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const [version] = (await client.unary('Version', {})).messages ?? [];
  t.match(version, {
    metadata: { hostname: 'node-1' },
    version: { tag: /^v\d/, goVersion: /^node v\d+/, os: 'linux', arch: /^(amd64|arm64)$/ },
    platform: { name: 'metal', mode: 'metal' },
    features: { rbac: true },
  });
  t.equal((await client.unary('Hostname', {})).messages?.[0]?.hostname, 'node-1');
});

t.test('services, as containers and as services', async (t) => {
  const failed = {
    ...SERVICES[2],
    id: 'chatty',
    state: 'Failed',
    pid: 0,
    lastLogLine: 'cannot open /x',
  } as (typeof SERVICES)[0];
  const rig = await Rig.start({ init: new FakeInit({ listServices: () => ({ services: [...SERVICES, failed] }) }) });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const [reply] = (await client.unary('Containers', { namespace: 'system' })).messages ?? [];
  t.equal(reply?.containers?.length, 4);
  t.match(reply?.containers?.[0], {
    namespace: 'system',
    id: 'init',
    image: '/sbin/init',
    pid: 1,
    status: 'RUNNING',
    podId: 'init',
  });
  t.equal(reply?.containers?.[3]?.status, 'FAILED');
  // Those of pods are machined's to tell, and there is none here.
  t.equal((await rejection(client.unary('Containers', { namespace: 'k8s.io' }))).code, status.UNAVAILABLE);
  t.equal((await rejection(client.unary('Containers', { namespace: 'moby' }))).code, status.INVALID_ARGUMENT);

  const services = (await client.unary('ServiceList', {})).messages?.[0]?.services ?? [];
  t.match(services[0], {
    id: 'init',
    state: 'Running',
    events: { events: [{ msg: 'started', state: 'Running', ts: { seconds: 1_700_000_000, nanos: 123_000_000 } }] },
    health: { unknown: true, lastChange: { seconds: 1_700_000_000 } },
  });
  t.equal(services[3]?.health?.lastMessage, 'cannot open /x');
});

t.test('control of services', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:operator']);
  t.equal((await client.unary('ServiceStart', { id: 'osd' })).messages?.[0]?.resp, 'START osd');
  t.equal((await client.unary('ServiceStop', { id: 'osd' })).messages?.[0]?.resp, 'STOP osd');
  t.equal((await client.unary('ServiceRestart', { id: 'osd' })).messages?.[0]?.resp, 'RESTART osd');
  const unknown = await rejection(client.unary('ServiceStart', { id: 'nope' }));
  t.match(unknown, { code: status.NOT_FOUND, details: 'no service "nope"; there are init, machined, osd' });
  rig.init.answers.controlService = () => {
    throw new ControlError('FAILED_PRECONDITION', 'init cannot be stopped');
  };
  t.match(await rejection(client.unary('ServiceStop', { id: 'init' })), {
    code: status.FAILED_PRECONDITION,
    details: 'init cannot be stopped',
  });
});

t.test('power', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:operator']);
  const { Mode } = machine.RebootRequest;
  const actors = [
    (await client.unary('Reboot', {})).messages?.[0]?.actorId,
    (await client.unary('Reboot', { mode: Mode.POWERCYCLE })).messages?.[0]?.actorId,
    (await client.unary('Reboot', { mode: Mode.FORCE })).messages?.[0]?.actorId,
    (await client.unary('Shutdown', { force: true })).messages?.[0]?.actorId,
    (await client.unary('Shutdown', {})).messages?.[0]?.actorId,
  ];
  const asked = rig.init.bodies('power');
  t.strictSame(
    asked.map((item) => item.actorId),
    actors,
  );
  t.strictSame(
    asked.map((item) => [item.action, item.force, item.drain]),
    [
      ['REBOOT', false, true],
      ['REBOOT', false, true],
      ['REBOOT', true, false],
      ['SHUTDOWN', false, false],
      ['SHUTDOWN', false, true],
    ],
  );
  t.equal(new Set(actors).size, 5);
  for (const actor of actors) t.match(actor, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  t.match(asked[0]?.reason, /^reboot over the API by 127\.0\.0\.1:\d+/);
  rig.init.answers.power = () => {
    throw new ControlError('PERMISSION_DENIED', 'osd may not');
  };
  t.equal((await rejection(client.unary('Reboot', {}))).code, status.PERMISSION_DENIED, 'a refusal of init is told');
});

t.test(
  'a reset moves pods away on the way down, unless the node has left its cluster before, or is not to',
  async (t) => {
    const machined = new FakeInit({ query: () => ({ message: new Uint8Array(), streamed: false }) });
    const rig = await Rig.start({ machined });
    t.teardown(() => rig.stop());
    const client = await rig.clientWith(['os:admin']);
    const { WipeMode } = machine.ResetRequest;
    const disks = { mode: WipeMode.USER_DISKS, userDisksToWipe: ['/dev/vdb'] };
    for (const [request, drain] of [
      [{ graceful: true }, false],
      [{ graceful: true, systemPartitionsToWipe: [{ label: 'EPHEMERAL', wipe: true }] }, false],
      [{ graceful: true, systemPartitionsToWipe: [{ label: 'STATE', wipe: true }] }, true],
      [{ graceful: true, ...disks }, true],
      [{ graceful: false, ...disks }, false],
      [{}, false],
    ] as const) {
      await client.unary('Reset', request as machine.ResetRequest.$Properties);
      t.match(rig.init.bodies('power').at(-1), { drain, reset: true }, JSON.stringify(request));
    }
  },
);

t.test('the node that is meant', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const call = (entries: [string, string][]) => {
    const metadata = new Metadata();
    for (const [key, value] of entries) metadata.add(key, value);
    return client.unary('Version', {}, metadata);
  };
  for (const node of ['node-1', '127.0.0.1', '127.0.0.1:50000']) {
    t.ok(await call([['node', node]]), `node ${node}`);
    t.ok(await call([['nodes', node]]), `nodes ${node}`);
  }
  t.ok(await call([['node', '']]), 'an empty one is none');
  const neighbour = await rejection(call([['node', '127.0.0.1:1']]));
  t.equal(neighbour.code, status.UNAVAILABLE, 'what is behind another port of our address is somebody else');
  const other = await rejection(call([['node', '10.1.2.3']]));
  t.equal(other.code, status.UNAVAILABLE);
  t.match(
    other.details,
    /^this is node node-1 \(.*127\.0\.0\.1.*\), not "10\.1\.2\.3", and it does not forward calls$/,
  );
  const several = await rejection(
    call([
      ['nodes', 'node-1'],
      ['nodes', '10.1.2.3'],
    ]),
  );
  t.equal(several.code, status.INVALID_ARGUMENT);
  t.equal((await rejection(call([['nodes', 'node-1,10.1.2.3']]))).code, status.INVALID_ARGUMENT, 'in one value, too');
});

t.test('what is not served yet says so; what breaks inside says nothing', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:admin']);
  t.match(await rejection(client.unary('Rollback', {})), {
    code: status.UNIMPLEMENTED,
    details: 'nothing is installed on a disk of this node: it boots what it is given',
  });
  const kind = { requestStream: false, responseStream: false };
  t.match(await client.status({ path: '/machine.MachineService/EtcdAlarmList', ...kind }), {
    code: status.UNIMPLEMENTED,
  });
  t.match(await client.status({ path: '/machine.MachineService/Nothing', ...kind }), { code: status.UNIMPLEMENTED });

  rig.init.answers.listServices = () => {
    throw new Error('secret /path', { cause: new Error('deeper') });
  };
  for (const failing of [client.unary('ServiceList', {}), client.collect('Logs', { id: 'nope' })]) {
    const error = await rejection(failing);
    t.equal(error.code, status.INTERNAL);
    t.equal(error.details, 'internal error; the log of osd has the cause');
  }
  t.match(rig.lines.join('\n'), /ServiceList failed: Error: secret \/path[\s\S]*caused by: Error: deeper/);
});

t.test('a line in the log for every call', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  await client.unary('Version', {});
  await rejection(client.unary('Reboot', {}));
  t.match(
    rig.lines[0],
    /^OK \/machine\.MachineService\/Version \d+\.\d ms peer=127\.0\.0\.1:\d+ cn="" certificate=[0-9a-f]{16} roles="os:reader"$/,
  );
  t.match(
    rig.lines[1],
    /^PERMISSION_DENIED \/machine\.MachineService\/Reboot .* "Reboot needs one of os:admin, os:operator; /,
  );
  t.equal(rig.lines.length, 2);
});
