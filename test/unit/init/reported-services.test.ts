import t from 'tap';
import { ControlClient } from '../../../lib/control/client.js';
import type { ControlEvent } from '../../../lib/control/protocol.js';
import { ReportedServices } from '../../../lib/init/reported-services.js';
import { FakeDescriptor } from '../control/fake-channel.js';
import { FakeClock, settle } from './fake-clock.js';
import { FakeRing } from './fake-native.js';
import { recordingLog } from './recording-log.js';
import { supervisor } from './supervision.js';

const RUNNING = { id: 'trustd', state: 'Running', pid: 7, image: 'talos.local/trustd:v1', restarts: 0 };

function node() {
  const parts = supervisor({ osd: { order: 1, control: true }, machined: { order: 2, control: true }, containerd: {} });
  parts.manager.start(parts.definitions);
  const events: ControlEvent[] = [];
  const client = (id: string) => {
    const socket = parts.native.childOf(`/bin/${id}`)?.options.descriptors?.[0];
    if (!socket) throw new Error(`${id} has no descriptor 3`);
    return new ControlClient(socket, { channels: parts.native.channel, onEvent: (event) => void events.push(event) });
  };
  return { ...parts, events, osd: client('osd'), machined: client('machined') };
}

async function kindOf(request: Promise<unknown>): Promise<string | undefined> {
  return request.then(
    () => undefined,
    (error) => error.kind,
  );
}

t.test('a container that machined reports is a service among the others', async (t) => {
  const { osd, machined, lines, rings } = node();
  await machined.request('reportContainer', { ...RUNNING, message: 'Started\nwith', failed: false });
  const { services } = (await osd.request('listServices', {})).body;
  t.match(services.at(-1), { id: 'trustd', state: 'Running', pid: 7, image: 'talos.local/trustd:v1' });
  t.same(
    services.at(-1)?.events.map(({ message }) => message),
    ['Started?with'],
    'what it says is made plain',
  );
  t.ok(lines.some(({ text }) => text === 'service trustd: Started?with'));

  const { descriptors } = await machined.request('openContainerLog', { id: 'trustd' });
  t.equal(descriptors.length, 2);
  t.same(rings.get('trustd')?.attached, ['stdout', 'stderr']);
  t.equal((await osd.request('openLog', { id: 'trustd', follow: false })).descriptors.length, 1, 'its log is served');

  await machined.request('reportContainer', { ...RUNNING, state: 'Waiting', pid: 0, message: '', failed: false });
  t.match(
    (await osd.request('listServices', {})).body.services.at(-1),
    { state: 'Running', pid: 7 },
    'it is known better',
  );
  const ring = rings.get('trustd');
  if (ring) ring.last = 'no memory';
  await machined.request('reportContainer', { ...RUNNING, state: 'Failed', pid: 0, message: 'Ended', failed: true });
  const failed = (await osd.request('listServices', {})).body.services.at(-1);
  t.match(failed, { state: 'Failed', pid: 0, lastLogLine: 'no memory' });
  t.equal(failed?.events.at(-1)?.message, 'Ended, last line: no memory');
});

t.test('a request for one goes to machined', async (t) => {
  const { osd, machined, events, manager } = node();
  await machined.request('reportContainer', { ...RUNNING, message: '', failed: false });
  const { message } = (await osd.request('controlService', { id: 'trustd', action: 'RESTART' })).body;
  t.equal(message, 'service "trustd": restart requested while Running');
  await settle();
  t.match(events, [{ kind: 'containerRequested', id: 'trustd', action: 'RESTART' }]);
  manager.denyStarts();
  t.equal(await kindOf(osd.request('controlService', { id: 'trustd', action: 'START' })), 'FAILED_PRECONDITION');
});

t.test('its process has a control connection, which is its identity', async (t) => {
  const { osd, machined, manager, native, lines } = node();
  await machined.request('reportContainer', { ...RUNNING, state: 'Starting', message: 'Starting', failed: false });
  const heard: ControlEvent[] = [];
  const connect = async () => {
    const { descriptors } = await machined.request('openContainerControl', { id: 'trustd' });
    const [end] = descriptors;
    if (!end || descriptors.length > 1) throw new Error('one end was expected');
    return new ControlClient(end, { channels: native.channel, onEvent: (event) => void heard.push(event) });
  };
  const shown = async () => (await osd.request('listServices', {})).body.services.at(-1);
  const trustd = await connect();
  await machined.request('reportContainer', { ...RUNNING, message: 'Started', failed: false });
  await trustd.request('reportListening', { port: 50001 });
  t.match(await shown(), { healthUnknown: false, healthy: true, healthMessage: 'Listening on port 50001' });
  t.ok(lines.some(({ text }) => text === 'service trustd: listening on port 50001'));
  t.equal((await trustd.request('connect', { peer: 'machined' })).descriptors.length, 1);
  for (const denied of [
    trustd.request('listServices', {}),
    trustd.request('openContainerControl', { id: 'proxyd' }),
    trustd.request('reportHealth', { healthy: true, message: '', service: 'osd' }),
    osd.request('openContainerControl', { id: 'trustd' }),
  ]) {
    t.equal(await kindOf(denied), 'PERMISSION_DENIED');
  }
  manager.tellAll({ kind: 'clockStepped' });
  await settle();
  t.match(heard, [{ kind: 'listening', peer: 'trustd' }, { kind: 'clockStepped' }]);

  await trustd.request('reportHealth', { healthy: false, message: 'no\nair', service: '' });
  t.same(manager.problems().at(-1), 'service trustd says: no?air');
  const next = await connect();
  await settle();
  t.notOk(trustd.isOpen, 'the earlier connection is over');
  t.match(await shown(), { healthUnknown: true });
  await next.request('reportHealth', { healthy: true, message: 'again', service: '' });
  await machined.request('reportContainer', { ...RUNNING, state: 'Waiting', pid: 0, message: 'Ended', failed: true });
  await settle();
  t.notOk(next.isOpen, 'nor does it outlive the process');
  t.match(await shown(), { healthUnknown: true, state: 'Waiting' });
  t.equal(manager.problems().at(-1), 'service trustd is Waiting');
});

t.test('machined is connected to blockd while there is one, and to no other container', async (t) => {
  const { osd, machined, native } = node();
  const connect = () => machined.request('connect', { peer: 'blockd' });
  t.equal(await kindOf(connect()), 'NOT_FOUND', 'nobody has heard of it');
  const report = { ...RUNNING, id: 'blockd', failed: false };
  await machined.request('reportContainer', { ...report, state: 'Starting', message: 'Starting' });
  t.equal(await kindOf(connect()), 'UNAVAILABLE');
  const [end] = (await machined.request('openContainerControl', { id: 'blockd' })).descriptors;
  if (!end) throw new Error('one end was expected');
  const peers: unknown[] = [];
  const blockd = new ControlClient(end, {
    channels: native.channel,
    onEvent: (event, descriptors) => void peers.push([event, descriptors.length]),
  });
  t.equal((await connect()).descriptors.length, 1);
  await settle();
  t.same(peers, [[{ kind: 'peerConnected', peer: 'machined' }, 1]]);
  t.equal(await kindOf(osd.request('connect', { peer: 'blockd' })), 'PERMISSION_DENIED');
  t.equal(await kindOf(blockd.request('connect', { peer: 'machined' })), 'PERMISSION_DENIED', 'it asks for nothing');
});

t.test('what cannot be is refused', async (t) => {
  const { machined, osd } = node();
  const report = (more: object) =>
    machined.request('reportContainer', { ...RUNNING, message: '', failed: false, ...more });
  for (const id of ['init', 'osd', '', '../x', 'A', 'x'.repeat(33)]) {
    t.equal(await kindOf(report({ id })), 'INVALID_ARGUMENT', JSON.stringify(id));
    t.equal(await kindOf(machined.request('openContainerLog', { id })), 'INVALID_ARGUMENT');
    t.equal(await kindOf(machined.request('openContainerControl', { id })), 'INVALID_ARGUMENT');
  }
  t.equal(await kindOf(report({ state: 'Flying' })), 'INVALID_ARGUMENT');
  for (let index = 0; index < 32; index++) await report({ id: `c-${index}` });
  t.equal(await kindOf(report({ id: 'one-more' })), 'RESOURCE_EXHAUSTED');
  t.equal(
    await kindOf(osd.request('reportContainer', { ...RUNNING, message: '', failed: false })),
    'PERMISSION_DENIED',
  );
});

t.test('machined tells how containerd fares, and nobody else does', async (t) => {
  const { machined, osd } = node();
  const health = { healthy: true, message: 'answers', service: 'containerd' };
  await machined.request('reportHealth', health);
  const { services } = (await osd.request('listServices', {})).body;
  t.match(
    services.find(({ id }) => id === 'containerd'),
    { healthy: true, healthMessage: 'answers' },
  );
  t.equal(await kindOf(osd.request('reportHealth', health)), 'PERMISSION_DENIED');
  t.equal(await kindOf(machined.request('reportHealth', { ...health, service: 'osd' })), 'PERMISSION_DENIED');
});

t.test('a log that cannot be opened leaves no pipe behind', async (t) => {
  const pipes: FakeDescriptor[] = [];
  const ring = new FakeRing();
  const { attach } = ring;
  ring.attach = (pipe, stream) => {
    if (stream === 'stderr') throw new Error('ENOSPC');
    attach.call(ring, pipe, stream);
  };
  const services = new ReportedServices({
    clock: new FakeClock(),
    log: recordingLog().log,
    publish: () => {},
    makeRing: () => ring,
    pipe: () => {
      const ends: [FakeDescriptor, FakeDescriptor] = [new FakeDescriptor('reader'), new FakeDescriptor('writer')];
      pipes.push(...ends);
      return ends;
    },
    connect: () => {
      throw new Error('nobody asks');
    },
    changed: () => {},
  });
  t.throws(() => services.openLog('trustd'), { message: 'ENOSPC' });
  t.same(
    pipes.map(({ isOpen }) => isOpen),
    [false, false, false, false],
  );
});
