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
  const order = { action: 'SHUTDOWN', force: true, actorId: 'ab-1', reason: 'by CN=admin\n<0>forged' } as const;
  await osd.request('power', { ...order, reset: false, disksToWipe: [] });
  t.same(exits, [
    {
      cause: 'asked',
      action: 'power-off',
      force: true,
      actorId: 'ab-1',
      reason: 'asked by osd: by CN=admin?<0>forged (actor ab-1)',
    },
  ]);
});

t.test('the host name is machined’s to set', async (t) => {
  const { osd, machined, hostnames } = node(t);
  await machined.request('setHostname', { hostname: 'Node-1' });
  t.same(hostnames, ['node-1']);
  await machined.request('setHostname', { hostname: '' });
  t.match(await failure(machined.request('setHostname', { hostname: 'a_b' })), { kind: 'INVALID_ARGUMENT' });
  t.match(await failure(osd.request('setHostname', { hostname: 'evil' })), { kind: 'PERMISSION_DENIED' });
  t.same(hostnames, ['node-1']);
});

t.test('networkd tells what it found out: the console, the node’s name, and every peer', async (t) => {
  const { client, machined, events, lines, hostnames, osd } = node(t, { networkd: { order: 0, control: true } });
  const networkd = client('networkd');
  const nothing = {
    carrier: true,
    link: 'eth0',
    address: '',
    dnsServers: [],
    ntpServers: [],
    domain: '',
    searchDomains: [],
    hostname: '',
  };
  const facts = {
    ...nothing,
    address: '10.0.2.15/24',
    dnsServers: ['10.0.2.3', '8.8.8.8'],
    domain: 'a.org',
    hostname: 'leased',
  };
  await networkd.request('reportNetwork', { facts: { ...nothing, carrier: false } });
  await networkd.request('reportNetwork', { facts: nothing });
  await networkd.request('reportNetwork', { facts });
  await networkd.request('reportNetwork', { facts });
  await settle();
  t.same(
    lines.map(({ text }) => text).filter((text) => text.startsWith('network')),
    [
      'network: eth0 has no carrier',
      'network: eth0 has no address; asking for one by DHCP',
      'network: eth0 has 10.0.2.15/24 by DHCP, DNS 10.0.2.3 8.8.8.8, domain a.org, host name leased',
    ],
    'once',
  );
  t.equal(events.filter(({ event }) => event.kind === 'networkChanged').length, 9, 'three peers, three changes');
  t.same(events.at(-1)?.event, { kind: 'networkChanged', facts });
  t.same(hostnames, ['leased']);
  await networkd.request('reportNetwork', { facts: { ...facts, link: 'eth1', hostname: 'a_b' } });
  t.match(lines.at(-1)?.text, /host name of the DHCP server was not taken/);

  await machined.request('setHostname', { hostname: 'configured' });
  await networkd.request('reportNetwork', { facts: { ...facts, hostname: 'leased-again' } });
  t.same(hostnames, ['leased', 'configured'], 'the config is stronger');
  for (const wrong of [
    { link: '' },
    { link: 'a/b' },
    { link: 'x'.repeat(16) },
    { address: '10.0.2.15' },
    { address: '10.0.2.15/33' },
    { address: '10.0.2.15/24/1' },
    { address: '10.0.2/24' },
    { dnsServers: ['fd00::1'] },
    { ntpServers: Array(70).fill('10.0.2.4') },
    { domain: 'a\n<0>forged' },
    { searchDomains: ['x'.repeat(300)] },
  ]) {
    const request = networkd.request('reportNetwork', { facts: { ...facts, ...wrong } });
    t.match(await failure(request), { kind: 'INVALID_ARGUMENT' }, JSON.stringify(wrong).slice(0, 60));
  }
  for (let index = 2; index < 16; index++) {
    await networkd.request('reportNetwork', { facts: { ...facts, link: `eth${index}` } });
  }
  const tooMany = networkd.request('reportNetwork', { facts: { ...facts, link: 'eth16' } });
  t.match(await failure(tooMany), { kind: 'RESOURCE_EXHAUSTED' });
  t.match(await failure(osd.request('reportNetwork', { facts })), { kind: 'PERMISSION_DENIED' });
});

t.test('networkd asks what it is to do; the config may start it where ip= says nothing', async (t) => {
  const definition = { networkd: { order: 0, control: true, start: 'manual' } };
  const { client, machined, manager, osd } = node(t, definition);
  await machined.request('startDhcp', { link: 'eth1' });
  t.equal(manager.find('networkd').state.kind, 'Running');
  const networkd = client('networkd');
  t.same((await networkd.request('describeDhcp', {})).body, { wanted: true, link: 'eth1', hostname: '' });
  t.match(await failure(osd.request('startDhcp', { link: 'eth0' })), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(machined.request('describeDhcp', {})), { kind: 'PERMISSION_DENIED' });

  const fixed = node(t, definition);
  fixed.dhcp.decide({ kind: 'off' });
  t.match(await failure(fixed.machined.request('startDhcp', { link: 'eth0' })), { kind: 'FAILED_PRECONDITION' });
  t.equal(fixed.manager.find('networkd').state.kind, 'Waiting');
  fixed.manager.request('networkd', 'START');
  t.match((await fixed.client('networkd').request('describeDhcp', {})).body, { wanted: false }, 'started by hand');
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
