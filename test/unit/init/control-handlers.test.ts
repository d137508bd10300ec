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

t.test('machined sets the arguments of what it looks after, and of nobody else', async (t) => {
  const { osd, machined, manager } = node(t, {
    kubelet: { start: 'manual', furtherArguments: true },
    other: { start: 'manual', furtherArguments: true },
  });
  await machined.request('setServiceArguments', { id: 'kubelet', arguments: ['--v=1'] });
  t.equal(manager.find('kubelet').lacksArguments, false);
  const list = { arguments: ['--v=1'] };
  t.equal((await failure(machined.request('setServiceArguments', { id: 'other', ...list }))).kind, 'PERMISSION_DENIED');
  t.equal((await failure(osd.request('setServiceArguments', { id: 'kubelet', ...list }))).kind, 'PERMISSION_DENIED');
  t.equal(manager.find('other').lacksArguments, true);
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
  await osd.request('power', { ...order, drain: true, reset: false, disksToWipe: [], partitionsToWipe: [] });
  t.same(exits, [
    {
      cause: 'asked',
      action: 'power-off',
      force: true,
      drain: true,
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
    otherAddresses: [],
    dhcp: true,
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
      'network: eth0 has no address by DHCP yet',
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
    { dnsServers: ['fd00::1%eth0'] },
    { ntpServers: ['fd00::1'] },
    { ntpServers: Array(70).fill('10.0.2.4') },
    { domain: 'a\n<0>forged' },
    { searchDomains: ['x'.repeat(300)] },
    { otherAddresses: ['fd00::1'] },
    { otherAddresses: ['fd00::1/129'] },
    { otherAddresses: ['a/24'] },
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

t.test('networkd asks what it is to do, and is told of another config', async (t) => {
  const definition = { networkd: { order: 0, control: true, start: 'manual' } };
  const { client, machined, manager, osd, events } = node(t, definition);
  const document = Buffer.from('{"hostname":"n1"}');
  await machined.request('setNetwork', { document, isUrgent: false });
  t.equal(manager.find('networkd').state.kind, 'Running', 'no address without it');
  const networkd = client('networkd');
  t.same(Buffer.from((await networkd.request('describeNetwork', {})).body.document), document);
  await machined.request('setNetwork', { document: Buffer.from('{}'), isUrgent: false });
  await settle();
  t.match(events.at(-1), { event: { kind: 'networkWanted' } });
  t.same(Buffer.from((await networkd.request('describeNetwork', {})).body.document).toString(), '{}');
  t.match(await failure(machined.request('setNetwork', { document: Buffer.alloc(49 * 1024), isUrgent: false })), {
    kind: 'INVALID_ARGUMENT',
  });
  t.match(await failure(osd.request('setNetwork', { document, isUrgent: false })), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(machined.request('describeNetwork', {})), { kind: 'PERMISSION_DENIED' });
});

t.test('networkd asks where pods are, and is told when they are elsewhere', async (t) => {
  const { client, machined, osd, events, manager } = node(t, {
    networkd: { order: 0, control: true, start: 'manual' },
  });
  const routes = [
    { destination: '10.244.1.0/24', gateway: '10.5.0.3' },
    { destination: 'fd00:1::/64', gateway: 'fd00::3' },
  ];
  await machined.request('setPodRoutes', { routes });
  t.not(manager.find('networkd').state.kind, 'Running', 'nothing is started for that');
  manager.request('networkd', 'START');
  const networkd = client('networkd');
  t.same((await networkd.request('describePodRoutes', {})).body.routes, routes, 'one that comes later asks');
  await machined.request('setPodRoutes', { routes: routes.slice(1) });
  await networkd.request('describePodRoutes', {});
  t.match(events.at(-1), { event: { kind: 'podRoutesWanted' } });
  for (const wrong of [
    { destination: '10.244.1.0', gateway: '10.5.0.3' },
    { destination: '10.244.1.0/33', gateway: '10.5.0.3' },
    { destination: '0.0.0.0/0', gateway: '10.5.0.3' },
    { destination: '10.244.1.0/24/1', gateway: '10.5.0.3' },
    { destination: '10.244.1.0/24', gateway: 'fd00::3' },
    { destination: '10.244.1.0/24', gateway: '' },
    { destination: 'default', gateway: '10.5.0.3' },
    { destination: `${'0'.repeat(50)}1::/64`, gateway: 'fd00::3' },
  ]) {
    const request = machined.request('setPodRoutes', { routes: [...routes, wrong] });
    t.match(await failure(request), { kind: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
  }
  const many = Array.from({ length: 513 }, (_, index) => ({
    destination: `10.${index >> 8}.${index & 255}.0/24`,
    gateway: '10.5.0.3',
  }));
  t.match(await failure(machined.request('setPodRoutes', { routes: many })), { kind: 'INVALID_ARGUMENT' });
  await machined.request('setPodRoutes', { routes: many.slice(1) });
  t.equal((await networkd.request('describePodRoutes', {})).body.routes.length, 512, 'they fit a frame');
  await machined.request('setPodRoutes', { routes: [] });
  t.same((await networkd.request('describePodRoutes', {})).body.routes, []);
  t.match(await failure(osd.request('setPodRoutes', { routes })), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(networkd.request('setPodRoutes', { routes })), { kind: 'PERMISSION_DENIED' });
  t.match(await failure(machined.request('describePodRoutes', {})), { kind: 'PERMISSION_DENIED' });
});

t.test('a clock that was set is said on the console, and to everybody', async (t) => {
  const { client, events, lines, osd } = node(t, { networkd: { order: 0, control: true } });
  const report = { steppedMs: -31_536_000_500, server: '192.0.2.1\n' };
  await client('networkd').request('reportClock', report);
  await settle();
  t.match(lines.at(-1)?.text, /^the clock was set back by 31536000\.5 s, as 192\.0\.2\.1\? says: \d{4}-/);
  t.equal(events.filter(({ event }) => event.kind === 'clockStepped').length, 3);
  t.match(await failure(osd.request('reportClock', report)), { kind: 'PERMISSION_DENIED' });
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

t.test('machined stops and starts what it looks after, and nothing else', async (t) => {
  const { machined, native, manager } = node(t, { containerd: { order: 3 } });
  await machined.request('controlService', { id: 'containerd', action: 'STOP' });
  native.childOf('/bin/containerd')?.exit(0);
  await settle();
  t.equal(manager.find('containerd').state.kind, 'Finished');
  await machined.request('controlService', { id: 'containerd', action: 'START' });
  t.equal(manager.find('containerd').state.kind, 'Running');
  let hasEnded = false;
  const stopped = machined.request('controlService', { id: 'containerd', action: 'STOP', untilEnded: true });
  void stopped.then(() => {
    hasEnded = true;
  });
  await settle();
  t.equal(manager.find('containerd').state.kind, 'Stopping');
  t.equal(hasEnded, false, 'whoever wants to know waits for its end');
  native.childOf('/bin/containerd')?.exit(0);
  await stopped;
  t.equal(manager.find('containerd').state.kind, 'Finished');
  await machined.request('controlService', { id: 'containerd', action: 'STOP', untilEnded: true });
  t.equal(
    (await failure(machined.request('controlService', { id: 'containerd', action: 'RESTART', untilEnded: true }))).kind,
    'INVALID_ARGUMENT',
  );
  t.match(await failure(machined.request('controlService', { id: 'osd', action: 'STOP' })), {
    kind: 'PERMISSION_DENIED',
    message: 'machined does not look after osd',
  });
});

t.test('a service that ends loses its connection', async (t) => {
  const { osd, native } = node(t);
  native.childOf('/bin/osd')?.exit(0);
  await settle();
  t.notOk(osd.isOpen);
});
