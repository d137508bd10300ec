import t, { type Test } from 'tap';
import { ControlClient, type ControlClientOptions } from '../../../lib/control/client.js';
import { ControlError, type FailureKind } from '../../../lib/control/errors.js';
import { ControlServer, type ControlServerOptions } from '../../../lib/control/server.js';
import { FakeChannels, FakeDescriptor } from './fake-channel.js';

function connect(server: Partial<ControlServerOptions>, client: Partial<ControlClientOptions> = {}) {
  const channels = new FakeChannels();
  const logged: string[] = [];
  const control = new ControlServer({
    channels,
    handlers: {},
    allow: { listServices: ['osd'], connect: ['osd'], setHostname: ['osd'], openKmsg: ['osd'] },
    log: (text) => void logged.push(text),
    ...server,
  });
  const [ours, theirs] = channels.pair();
  const connection = control.accept(ours, 'osd');
  return { channels, logged, connection, client: new ControlClient(theirs, { channels, ...client }) };
}

async function fails(
  t: Test,
  request: Promise<unknown>,
  kind: FailureKind,
  message: string | RegExp = /./,
): Promise<void> {
  const error = await request.then(
    () => undefined,
    (reason) => reason,
  );
  t.ok(error instanceof ControlError, `fails with ${kind}`);
  t.match(error, { kind, message });
}

/** Whatever was sent has come, and what it was answered with: channels here hand on in a later turn of the loop, and need no time. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

t.test('a request finds its reply, whatever the order of the replies', async (t) => {
  const { client } = connect({
    handlers: {
      setHostname: async ({ hostname }) => {
        await new Promise((resolve) => setTimeout(resolve, Number(hostname)));
        return { body: {} };
      },
      listServices: () => ({ body: { services: [] } }),
    },
  });
  const order: string[] = [];
  await Promise.all([
    client.request('setHostname', { hostname: '30' }).then(() => order.push('30')),
    client.request('setHostname', { hostname: '10' }).then(() => order.push('10')),
    client.request('listServices', {}).then(({ body }) => {
      t.same(body, { services: [] });
      order.push('list');
    }),
  ]);
  t.same(order, ['list', '10', '30']);
});

t.test('descriptors travel with the reply, and the server keeps none', async (t) => {
  const own = new FakeDescriptor('kmsg');
  const { client } = connect({ handlers: { openKmsg: () => ({ body: {}, descriptors: [own] }) } });
  const { descriptors } = await client.request('openKmsg', { tail: true });
  t.equal(descriptors.length, 1);
  t.ok(descriptors[0]?.isOpen);
  await settle();
  t.notOk(own.isOpen);
});

t.test('descriptors travel with the requests that take them, and are gone when those are answered', async (t) => {
  const own = new FakeDescriptor('device');
  let taken: readonly { isOpen: boolean }[] = [];
  const { client, channels } = connect({
    allow: { wipeDevice: ['osd'] },
    handlers: {
      wipeDevice: ({ method }, { descriptors }) => {
        taken = descriptors;
        if (method === 'ZEROES') throw new ControlError('FAILED_PRECONDITION', 'it cannot');
        return { body: { marks: descriptors.map(({ isOpen }) => String(isOpen)) } };
      },
    },
  });
  const { body } = await client.request('wipeDevice', { method: 'FAST' }, { descriptors: [own] });
  t.same(body, { marks: ['true'] });
  t.match(taken, [{ isOpen: false }]);
  const again = client.request('wipeDevice', { method: 'ZEROES' }, { descriptors: [own] });
  await fails(t, again, 'FAILED_PRECONDITION');
  t.ok(own.isOpen, 'the own one stays');
  t.same(
    channels.copies.map(({ isOpen }) => isOpen),
    [false, false],
  );
  await fails(t, client.request('wipeDevice', { method: 'FAST' }), 'INVALID_ARGUMENT', 'its descriptors are missing');
  t.ok(client.isOpen);
});

t.test('descriptors of whoever may not ask, or too many, end the connection', async (t) => {
  for (const [allow, count] of [
    [{}, 1],
    [{ wipeDevice: ['osd'] }, 2],
  ] as const) {
    const { client, channels, logged } = connect({ allow, handlers: { wipeDevice: () => ({ body: { marks: [] } }) } });
    const descriptors = Array.from({ length: count }, () => new FakeDescriptor('device'));
    await fails(t, client.request('wipeDevice', { method: 'FAST' }, { descriptors }), 'UNAVAILABLE');
    t.match(logged.join(), /descriptors beside a request/);
    t.notOk(channels.copies.some(({ isOpen }) => isOpen));
  }
});

t.test('whoever is not on the list is denied, whether or not there is a handler', async (t) => {
  const { client, logged } = connect({ handlers: { power: () => ({ body: {} }) } });
  const request = {
    action: 'REBOOT' as const,
    force: false,
    actorId: '',
    reason: '',
    drain: false,
    reset: false,
    disksToWipe: [],
    partitionsToWipe: [],
  };
  await fails(t, client.request('power', request), 'PERMISSION_DENIED');
  await fails(t, client.request('closeLog', { subscription: 1 }), 'PERMISSION_DENIED');
  t.match(logged[0], /osd may not call power/);
  t.ok(client.isOpen, 'the connection stays');
});

t.test('failures: what a handler chose, what it did not choose, what is not served', async (t) => {
  const { client, logged } = connect({
    handlers: {
      connect: () => {
        throw new ControlError('NOT_FOUND', 'no such peer', { cause: new Error('a secret') });
      },
      setHostname: async () => {
        throw new Error('a secret');
      },
    },
  });
  await fails(t, client.request('connect', { peer: 'x' }), 'NOT_FOUND', 'no such peer');
  const inner = await client.request('setHostname', { hostname: 'x' }).catch((error) => error);
  t.match(inner, { kind: 'INTERNAL' });
  t.notMatch(inner.message, /secret/);
  t.match(logged.join(), /a secret/, 'but it is in the log');
  await fails(t, client.request('listServices', {}), 'INVALID_ARGUMENT', /not served here/);
});

t.test('a deadline ends the wait on both sides, and a late reply is thrown away with its descriptors', async (t) => {
  const late = new FakeDescriptor('late');
  let aborted = false;
  let release = () => {};
  const { client, channels } = connect({
    handlers: {
      openKmsg: async (_, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { body: {}, descriptors: [late] };
      },
    },
  });
  await fails(t, client.request('openKmsg', { tail: false }, { deadlineMs: 20 }), 'DEADLINE_EXCEEDED');
  await settle();
  t.ok(aborted);
  release();
  await settle();
  t.notOk(late.isOpen);
  t.notOk(channels.copies.some(({ isOpen }) => isOpen));
  t.ok(client.isOpen);
});

t.test('when the server goes, everything under way is UNAVAILABLE, and so is what comes later', async (t) => {
  let closed = 0;
  const { client, connection } = connect(
    { handlers: { listServices: () => new Promise(() => {}) } },
    { onClose: () => closed++ },
  );
  const pending = [client.request('listServices', {}), client.request('listServices', {})];
  const ends = Promise.allSettled(pending);
  await settle();
  connection.close();
  for (const end of await ends) t.match(end, { status: 'rejected', reason: { kind: 'UNAVAILABLE' } });
  t.equal(closed, 1);
  await fails(t, client.request('listServices', {}), 'UNAVAILABLE');
});

t.test('when the client goes, its requests are aborted and the listeners run once', async (t) => {
  let aborted = 0;
  let closed = 0;
  const { client, connection } = connect({
    handlers: {
      listServices: (_, { signal }) => {
        signal.addEventListener('abort', () => aborted++);
        return new Promise(() => {});
      },
    },
  });
  connection.onClose(() => closed++);
  connection.onClose(() => t.fail('it was taken back'))();
  const pending = client.request('listServices', {}).catch(() => {});
  await settle();
  client.close();
  await pending;
  await settle();
  t.same([aborted, closed, connection.isOpen], [1, 1, false]);
  connection.onClose(() => closed++);
  t.equal(closed, 2, 'a late listener runs at once');
  t.notOk(connection.sendEvent({ kind: 'shuttingDown' }));
});

t.test('both sides bound what is under way', async (t) => {
  const { client } = connect(
    { handlers: { listServices: () => new Promise(() => {}) }, maxRunning: 2 },
    { maxPending: 3 },
  );
  const held = [client.request('listServices', {}), client.request('listServices', {})];
  for (const request of held) request.catch(() => {});
  const third = client.request('listServices', {});
  await fails(t, client.request('listServices', {}), 'RESOURCE_EXHAUSTED', /more than 3/);
  await fails(t, third, 'RESOURCE_EXHAUSTED', 'too many requests under way');
  client.close();
});

t.test('events reach the client with their descriptors', async (t) => {
  const events: unknown[] = [];
  const { connection, channels } = connect(
    {},
    { onEvent: (event, descriptors) => void events.push([event, descriptors.length]) },
  );
  t.ok(connection.sendEvent({ kind: 'peerConnected', peer: 'osd' }, [new FakeDescriptor('end')]));
  t.ok(connection.sendEvent({ kind: 'shuttingDown' }));
  await settle();
  t.same(events, [
    [{ kind: 'peerConnected', peer: 'osd' }, 1],
    [{ kind: 'shuttingDown' }, 0],
  ]);
  channels.isFull = true;
  t.notOk(connection.sendEvent({ kind: 'shuttingDown' }));
});

t.test('nobody listens for events: their descriptors are closed', async (t) => {
  const { connection, channels } = connect({});
  connection.sendEvent({ kind: 'peerConnected', peer: 'osd' }, [new FakeDescriptor('end')]);
  await settle();
  t.same(
    channels.copies.map(({ isOpen }) => isOpen),
    [false],
  );
});

t.test('a malformed frame closes the connection and is logged', async (t) => {
  const frames: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('hello, this is no frame')],
    ['cut off', Buffer.from([0x12, 0x7f])],
    ['request without an id', Buffer.from([0x12, 0x02, 0x52, 0x00])],
    ['reply to a server', Buffer.from([0x08, 0x01, 0x1a, 0x02, 0x52, 0x00])],
    ['unknown action', Buffer.from([0x08, 0x01, 0x12, 0x04, 0x5a, 0x02, 0x10, 0x09])],
  ];
  for (const [name, bytes] of frames) {
    const { connection, logged, channels } = connect({});
    const [ours, theirs] = channels.pair();
    const server = new ControlServer(connectionOptions(channels, logged));
    const cut = server.accept(ours, 'osd');
    channels.open(theirs, { maxMessageBytes: 1000 }, { onMessage: () => {}, onClose: () => {} }).send(bytes);
    await settle();
    t.notOk(cut.isOpen, name);
    t.match(logged[0], /control connection of osd closed/, name);
    connection.close();
  }
});

t.test('descriptors that nobody asked for are closed, and so is the connection', async (t) => {
  const channels = new FakeChannels();
  const logged: string[] = [];
  const [ours, theirs] = channels.pair();
  const connection = new ControlServer(connectionOptions(channels, logged)).accept(ours, 'osd');
  channels
    .open(theirs, { maxMessageBytes: 1000 }, { onMessage: () => {}, onClose: () => {} })
    .send(Buffer.from([0x08, 0x01, 0x12, 0x02, 0x52, 0x00]), [new FakeDescriptor('gift')]);
  await settle();
  t.notOk(connection.isOpen);
  t.notOk(channels.copies[0]?.isOpen);
});

t.test('a method of a newer peer is answered', async (t) => {
  const channels = new FakeChannels();
  const [ours, theirs] = channels.pair();
  const connection = new ControlServer(connectionOptions(channels, [])).accept(ours, 'osd');
  const received = new Promise<Buffer>((resolve) => {
    channels
      .open(theirs, { maxMessageBytes: 1000 }, { onMessage: resolve, onClose: () => {} })
      .send(Buffer.from([0x08, 0x01, 0x12, 0x03, 0x82, 0x7d, 0x00]));
  });
  t.match((await received).toString('latin1'), /unknown method/);
  t.ok(connection.isOpen);
});

t.test('a peer that does not read its replies is cut off', async (t) => {
  const { client, channels, connection, logged } = connect({
    handlers: {
      listServices: () => {
        channels.isFull = true;
        return { body: { services: [] } };
      },
    },
  });
  await fails(t, client.request('listServices', {}), 'UNAVAILABLE');
  t.notOk(connection.isOpen);
  t.match(logged.join(), /does not read/);
});

function connectionOptions(channels: FakeChannels, logged: string[]): ControlServerOptions {
  return { channels, handlers: {}, allow: {}, log: (text) => void logged.push(text) };
}
