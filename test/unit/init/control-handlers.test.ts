import t, { type Test } from 'tap';
import { ControlClient } from '../../../lib/control/client.js';
import type { ControlEvent } from '../../../lib/control/protocol.js';
import type { FileDescriptor } from '../../../lib/native/contract.js';
import { settle } from './fake-clock.js';
import { supervisor } from './supervision.js';

/** A node with osd and machined, and the test at the other end of their descriptors 3. */
function node(t: Test, more: Record<string, Record<string, unknown>> = {}) {
  const parts = supervisor({ osd: { order: 1, control: true }, machined: { order: 2, control: true }, ...more });
  parts.manager.start(parts.definitions);
  const events: { event: ControlEvent; descriptors: FileDescriptor[] }[] = [];
  const client = (id: string) => {
    const socket = parts.native.childOf(`/bin/${id}`)?.options.descriptors?.[0];
    if (!socket) throw new Error(`${id} has no descriptor 3`);
    const made = new ControlClient(socket, {
      channels: parts.native.channel,
      onEvent: (event, descriptors) => void events.push({ event, descriptors }),
    });
    t.teardown(() => made.close());
    return made;
  };
  return { ...parts, events, osd: client('osd'), machined: client('machined'), client };
}

async function failure(request: Promise<unknown>): Promise<{ kind?: string; message?: string }> {
  return request.then(
    () => ({}),
    (error) => error,
  );
}

t.test('osd sees the services, init among them', async (t) => {
  const { osd } = node(t);
  const { body } = await osd.request('listServices', {});
  t.same(
    body.services.map(({ id, state }) => [id, state]),
    [
      ['init', 'Running'],
      ['osd', 'Running'],
      ['machined', 'Running'],
    ],
  );
  t.equal(body.services[1]?.events.at(-1)?.message, 'Started with process id 100');
});

t.test('a list that would not fit a frame loses old events, not services', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`crasher-${index}`, {}]));
  const { osd, native, clock, rings } = node(t, many);
  for (const [id, ring] of rings) if (id.startsWith('crasher')) ring.last = 'x'.repeat(500);
  for (let round = 0; round < 20; round++) {
    for (const id of Object.keys(many)) native.childOf(`/bin/${id}`)?.exit(1);
    await clock.advance(30_000);
  }
  const { body } = await osd.request('listServices', {});
  t.equal(body.services.length, 33);
  const counts = body.services.filter(({ id }) => id.startsWith('crasher')).map(({ events }) => events.length);
  t.ok(counts.every((count) => count > 0 && count < 40));
});

t.test('logs: memory alone, or with a doorbell that ends with the subscription or the connection', async (t) => {
  const { osd, rings, ownRing } = node(t);
  const ring = rings.get('machined');
  const once = await osd.request('openLog', { id: 'machined', follow: false });
  t.same([once.body.subscription, once.descriptors.length, ring?.subscribers], [0, 1, 0]);
  const first = await osd.request('openLog', { id: 'machined', follow: true });
  const second = await osd.request('openLog', { id: 'machined', follow: true });
  t.equal(first.descriptors.length, 2);
  t.not(first.body.subscription, second.body.subscription);
  t.equal(ring?.subscribers, 2);
  await osd.request('closeLog', { subscription: first.body.subscription });
  await osd.request('closeLog', { subscription: first.body.subscription });
  t.equal(ring?.subscribers, 1);
  await osd.request('openLog', { id: 'init', follow: true });
  t.equal(ownRing.subscribers, 1);
  osd.close();
  await settle();
  t.same([ring?.subscribers, ownRing.subscribers], [0, 0]);
});

t.test('no such service: the ids there are', async (t) => {
  const { osd } = node(t);
  const expected = { kind: 'NOT_FOUND', message: 'no service "x"; there are: init, osd, machined' };
  t.match(await failure(osd.request('openLog', { id: 'x', follow: false })), expected);
  t.match(await failure(osd.request('controlService', { id: 'x', action: 'START' })), expected);
});

t.test('the kernel log is opened for each asker anew', async (t) => {
  const { osd } = node(t);
  const { descriptors } = await osd.request('openKmsg', { tail: true });
  t.equal(descriptors.length, 1);
});

t.test('power: the reply first, then the way down, with who asked', async (t) => {
  const { osd, exits } = node(t);
  await osd.request('power', { action: 'SHUTDOWN', force: true, actorId: 'ab-1', reason: 'by CN=admin\n<0>forged' });
  t.same(exits, [
    { cause: 'asked', action: 'power-off', force: true, reason: 'asked by osd: by CN=admin?<0>forged (actor ab-1)' },
  ]);
});

t.test('the host name is machined’s to set', async (t) => {
  const { osd, machined, hostnames } = node(t);
  await machined.request('setHostname', { hostname: 'Node-1' });
  t.same(hostnames, ['node-1']);
  t.match(await failure(machined.request('setHostname', { hostname: 'a_b' })), { kind: 'INVALID_ARGUMENT' });
  t.match(await failure(osd.request('setHostname', { hostname: 'evil' })), { kind: 'PERMISSION_DENIED' });
  t.same(hostnames, ['node-1']);
});

t.test('connect: each side gets an end, and machined is told who is there', async (t) => {
  const { osd, machined, events, native } = node(t);
  const { descriptors } = await osd.request('connect', { peer: 'machined' });
  await settle();
  t.equal(descriptors.length, 1);
  t.match(events, [{ event: { kind: 'peerConnected', peer: 'osd' } }]);
  t.equal(events[0]?.descriptors.length, 1);
  t.match(await failure(osd.request('connect', { peer: 'osd' })), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(machined.request('connect', { peer: 'osd' })), { kind: 'PERMISSION_DENIED' });
  native.childOf('/bin/machined')?.exit(1);
  await settle();
  t.match(await failure(osd.request('connect', { peer: 'machined' })), { kind: 'UNAVAILABLE' });
});

t.test('who serves clients says so, and the kernel log tells whoever watches the console', async (t) => {
  const { osd, machined, lines, manager } = node(t);
  await osd.request('reportListening', { port: 50000 });
  t.ok(lines.some(({ text }) => /phase osd-listening on port 50000 \(uptime \d+\.\d{3} s\)$/.test(text)));
  t.equal(manager.find('osd').info().events.at(-1)?.message, 'Listening on port 50000');
  t.match(await failure(machined.request('reportListening', { port: 1 })), { kind: 'PERMISSION_DENIED' });
});

t.test('any other service may ask for nothing', async (t) => {
  const { client, manager, definitions } = node(t, { chatty: { control: true } });
  t.ok(definitions.length > 0 && manager.list().length > 0);
  const chatty = client('chatty');
  t.match(await failure(chatty.request('listServices', {})), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(chatty.request('connect', { peer: 'machined' })), { kind: 'PERMISSION_DENIED' });
});

t.test('a service that ends loses its connection', async (t) => {
  const { osd, native } = node(t);
  native.childOf('/bin/osd')?.exit(0);
  await settle();
  t.notOk(osd.isOpen);
});
