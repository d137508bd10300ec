/** What PID 1 keeps and tells of what happens on the node. */
import t from 'tap';
import { isEventId } from '../../../lib/base/event-id.js';
import { ControlClient } from '../../../lib/control/client.js';
import { encodeReply } from '../../../lib/control/codec.js';
import type { NodeEventPayload } from '../../../lib/control/node-event.js';
import { MAX_FRAME_BYTES } from '../../../lib/control/protocol.js';
import type { ServerConnection } from '../../../lib/control/server.js';
import { AddressBook } from '../../../lib/init/address-book.js';
import { MachineStatus } from '../../../lib/init/machine-status.js';
import { NodeEvents } from '../../../lib/init/node-events.js';
import { ServerBook } from '../../../lib/init/server-book.js';
import { FakeClock, settle } from './fake-clock.js';
import { supervisor } from './supervision.js';

const task = (name: string): NodeEventPayload => ({ kind: 'task', name, action: 'START' });

/** A connection that counts how often it was told. */
function reader(takes = true) {
  const state = { told: 0, takes, close: () => {} };
  const connection = {
    sendEvent: () => {
      if (state.takes) state.told++;
      return state.takes;
    },
    onClose: (listener: () => void) => {
      state.close = listener;
    },
  };
  return { state, connection: connection as unknown as ServerConnection };
}

t.test('numbers without gaps, ids in order even when the clock is set back, the newest thousand', async (t) => {
  const clock = new FakeClock();
  const events = new NodeEvents(clock);
  const { connection } = reader();
  for (let number = 1; number <= 1500; number++) events.publish(task(`t${number}`), number % 2 ? 'odd' : undefined);
  const found = [];
  for (let after = 0; ; after = found.at(-1)?.sequence ?? 0) {
    const batch = events.read(connection, after);
    if (batch.length === 0) break;
    found.push(...batch);
  }
  t.same(
    found.map(({ sequence }) => sequence),
    Array.from({ length: 1000 }, (_, at) => at + 501),
  );
  t.ok(found.every(({ id }) => isEventId(id)));
  t.same(
    found.map(({ id }) => id).sort(),
    found.map(({ id }) => id),
  );
  t.match(found[0], { actorId: 'odd', payload: { name: 't501' } });
  t.equal(found[1]?.actorId, '');
});

t.test('a reply fits a frame whatever others have said', async (t) => {
  const events = new NodeEvents(new FakeClock());
  const { connection } = reader();
  for (let number = 0; number < 600; number++) events.publish({ kind: 'config-not-valid', error: 'ä'.repeat(9000) });
  let count = 0;
  for (let after = 0; ; ) {
    const batch = events.read(connection, after);
    if (batch.length === 0) break;
    t.ok(encodeReply(1, 'readEvents', { events: batch }).length <= MAX_FRAME_BYTES);
    count += batch.length;
    after = batch.at(-1)?.sequence ?? 0;
  }
  t.equal(count, 600);
});

t.test('who has read all is told once that there is more', async (t) => {
  const events = new NodeEvents(new FakeClock());
  const { state, connection } = reader();
  events.publish(task('a'));
  t.equal(events.read(connection, 0).length, 1);
  events.publish(task('b'));
  t.equal(state.told, 0, 'it has not seen the end yet');
  events.read(connection, 2);
  events.publish(task('c'));
  events.publish(task('d'));
  t.equal(state.told, 1);
  events.read(connection, 4);
  state.takes = false;
  events.publish(task('e'));
  state.takes = true;
  events.publish(task('f'));
  t.equal(state.told, 2, 'what was not taken is told again');
  events.read(connection, 6);
  state.close();
  events.publish(task('g'));
  t.equal(state.told, 2, 'nobody is there any more');
});

t.test('services: each change of state and of health, over the control connection of osd', async (t) => {
  const parts = supervisor({ osd: { order: 1, control: true }, crasher: { order: 2, restart: 'never' } });
  parts.manager.start(parts.definitions);
  const socket = parts.native.childOf('/bin/osd')?.options.descriptors?.[0];
  if (!socket) throw new Error('osd has no descriptor 3');
  const told: string[] = [];
  const osd = new ControlClient(socket, {
    channels: parts.native.channel,
    onEvent: (event) => void told.push(event.kind),
  });
  t.teardown(() => osd.close());
  const read = async (after: number) => (await osd.request('readEvents', { after })).body.events;
  const shown = (events: Awaited<ReturnType<typeof read>>) =>
    events.map(({ payload }) => (payload.kind === 'service' ? `${payload.service} ${payload.action}` : payload.kind));
  const first = await read(0);
  t.same(shown(first), ['osd STARTING', 'osd RUNNING', 'crasher STARTING', 'crasher RUNNING']);
  t.same(await read(4), []);

  t.same(parts.manager.problems(), []);
  parts.native.childOf('/bin/crasher')?.exit(3);
  await settle();
  t.ok(told.includes('eventsPublished'));
  t.match((await read(4))[0]?.payload, { service: 'crasher', action: 'FAILED', message: /exit code 3/ });
  t.same(parts.manager.problems(), ['service crasher is Failed']);

  await osd.request('reportListening', { port: 50000 });
  t.match((await read(5))[0]?.payload, { service: 'osd', action: 'RUNNING', healthUnknown: false, healthy: true });
  await osd.request('reportHealth', { healthy: false, message: 'no\nway', service: '' });
  await osd.request('reportHealth', { healthy: false, message: 'no\nway', service: '' });
  const last = await read(6);
  t.equal(last.length, 1, 'what is not new is not told');
  t.match(last[0]?.payload, { healthy: false, message: 'no?way' });
  t.same(parts.manager.problems(), ['service osd says: no?way', 'service crasher is Failed']);
  t.match(parts.manager.find('osd').info(), { healthUnknown: false, healthy: false, healthMessage: 'no?way' });
});

t.test('the config: what is wrong with it, and which servers it names', async (t) => {
  const parts = supervisor({ machined: { control: true }, osd: { control: true } });
  parts.manager.start(parts.definitions);
  const client = (id: string) => {
    const socket = parts.native.childOf(`/bin/${id}`)?.options.descriptors?.[0];
    if (!socket) throw new Error(`${id} has no descriptor 3`);
    const made = new ControlClient(socket, { channels: parts.native.channel });
    t.teardown(() => made.close());
    return made;
  };
  const [machined, osd] = [client('machined'), client('osd')];
  const none = { timeServers: [], nameServers: [] };
  await machined.request('reportConfig', { outcome: 'NOT_LOADED', problem: 'no disk', ...none });
  await machined.request('reportConfig', { outcome: 'NOT_VALID', problem: 'machine.x is unknown', ...none });
  const { events } = (await osd.request('readEvents', { after: 4 })).body;
  t.match(
    events.map(({ payload }) => payload),
    [
      { kind: 'config-not-loaded', error: 'no disk' },
      { kind: 'service', service: 'machined', healthy: false, healthMessage: 'no disk' },
      { kind: 'config-not-valid', error: 'machine.x is unknown' },
      { kind: 'service', service: 'machined', healthy: false },
    ],
  );
  const servers = { timeServers: ['time.example'], nameServers: ['192.0.2.1'] };
  await machined.request('reportConfig', { outcome: 'ACCEPTED', problem: '', ...servers });
  t.same((await osd.request('describeTime', {})).body, servers);
  t.match(parts.manager.find('machined').info(), { healthy: true });
  const refused = machined.request('reportConfig', {
    outcome: 'ACCEPTED',
    problem: '',
    timeServers: ['a b'],
    nameServers: [],
  });
  await t.rejects(refused, { message: 'servers that cannot be true' });
  await t.rejects(osd.request('reportConfig', { outcome: 'ACCEPTED', problem: '', ...none }), {
    message: 'osd may not call reportConfig',
  });
});

t.test('the node is ready while nothing is wrong with its services', async (t) => {
  const published: NodeEventPayload[] = [];
  let problems = ['service osd is Failed'];
  const status = new MachineStatus(
    (payload) => void published.push(payload),
    () => problems,
  );
  status.enter('BOOTING');
  status.look();
  status.enter('RUNNING');
  status.look();
  problems = [];
  status.look();
  status.enter('REBOOTING', 'actor');
  t.same(published, [
    { kind: 'machine-status', stage: 'BOOTING', ready: false, unmet: [] },
    {
      kind: 'machine-status',
      stage: 'RUNNING',
      ready: false,
      unmet: [{ name: 'services', reason: 'service osd is Failed' }],
    },
    { kind: 'machine-status', stage: 'RUNNING', ready: true, unmet: [] },
    { kind: 'machine-status', stage: 'REBOOTING', ready: false, unmet: [] },
  ]);
});

t.test('addresses and servers', async (t) => {
  const published: NodeEventPayload[] = [];
  const book = new AddressBook((payload) => void published.push(payload));
  book.setName('talos');
  book.setAddresses('eth0', ['']);
  t.ok(book.setAddresses('eth0', ['10.0.2.15/24']));
  t.notOk(book.setAddresses('eth0', ['', '10.0.2.15']), 'nothing new');
  book.setName('n1');
  book.setAddresses('eth1', ['192.0.2.7']);
  book.setAddresses('eth0', ['']);
  const event = (hostname: string, ...addresses: string[]) => ({ kind: 'address', hostname, addresses });
  t.same(published, [
    event('talos', '10.0.2.15'),
    event('n1', '10.0.2.15'),
    event('n1', '10.0.2.15', '192.0.2.7'),
    event('n1', '192.0.2.7'),
  ]);

  const servers = new ServerBook();
  const lease = {
    address: '',
    domain: '',
    searchDomains: [],
    hostname: '',
    carrier: true,
    otherAddresses: [],
    dhcp: true,
  };
  t.same(servers.facts, { timeServers: [], nameServers: [] });
  servers.lease({ ...lease, link: 'eth0', ntpServers: ['10.0.2.4'], dnsServers: ['10.0.2.3'] });
  t.same(servers.facts, { timeServers: ['10.0.2.4'], nameServers: ['10.0.2.3'] });
  servers.configure({ timeServers: ['time.example'], nameServers: [] });
  t.same(servers.facts, { timeServers: ['time.example'], nameServers: ['10.0.2.3'] });
});
