/** The control connection over the addon's own channels: what the in-memory one of the other tests stands for. */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { ControlClient } from '../../../lib/control/client.js';
import { MAX_FRAME_BYTES } from '../../../lib/control/protocol.js';
import { ControlServer, type ServerConnection } from '../../../lib/control/server.js';
import { loadNative } from '../../../lib/native/index.js';

const native = loadNative();

function service(id: string, size: number) {
  return {
    id,
    state: 'Running',
    pid: 1,
    image: 'x'.repeat(size),
    restarts: 0,
    lastLogLine: '',
    events: [],
    lastChangeMs: 0,
    healthUnknown: true,
    healthy: false,
    healthMessage: '',
  };
}

t.test('requests, large replies, descriptors and events', async (t) => {
  const [ours, theirs] = native.channel.pair();
  const sizes = [0, 1000, MAX_FRAME_BYTES - 100, MAX_FRAME_BYTES];
  const logged: string[] = [];
  let connection: ServerConnection | undefined;
  const server = new ControlServer({
    channels: native.channel,
    allow: { listServices: ['osd'], openKmsg: ['osd'], connect: ['osd'] },
    log: (text) => void logged.push(text),
    handlers: {
      listServices: () => ({ body: { services: [service('osd', sizes.shift() ?? 0)] } }),
      openKmsg: () => {
        const [reader, writer] = native.descriptor.pipe();
        return { body: {}, descriptors: [reader, writer] };
      },
      connect: () => {
        const [left, right] = native.channel.pair();
        connection?.sendEvent({ kind: 'peerConnected', peer: 'osd' }, [right]);
        right.close();
        return { body: {}, descriptors: [left] };
      },
    },
  });
  connection = server.accept(ours, 'osd');
  const second = new ControlServer({
    channels: native.channel,
    allow: { setHostname: ['osd'] },
    log: () => {},
    handlers: { setHostname: () => ({ body: {} }) },
  });
  const client = new ControlClient(theirs, {
    channels: native.channel,
    onEvent: (event, [socket]) => {
      if (event.kind === 'peerConnected' && socket) second.accept(socket, event.peer);
    },
  });

  for (const size of [0, 1000, MAX_FRAME_BYTES - 100]) {
    const { body } = await client.request('listServices', {});
    t.equal(body.services[0]?.image.length, size);
  }
  const tooLarge = await client.request('listServices', {}).catch((error) => error);
  t.match(tooLarge, { kind: 'INTERNAL' }, 'a reply that fits no frame is our failure, not the end of the connection');
  t.match(logged.join(), /listServices for osd failed/);

  const { descriptors } = await client.request('openKmsg', { tail: false });
  t.equal(descriptors.length, 2);
  for (const descriptor of descriptors) {
    const number = descriptor.releaseNumber();
    t.ok(fstatSync(number).isFIFO());
    native.descriptor.adopt(number).close();
  }

  const { descriptors: ends } = await client.request('connect', { peer: 'machined' });
  const [end] = ends;
  if (!end) throw new Error('no connection');
  const brokered = new ControlClient(end, { channels: native.channel });
  await brokered.request('setHostname', { hostname: 'n1' });
  brokered.close();

  const over = new Promise<void>((resolve) => connection?.onClose(resolve));
  client.close();
  await over;
});

t.test('the end of the server ends what is under way', async (t) => {
  const [ours, theirs] = native.channel.pair();
  const server = new ControlServer({
    channels: native.channel,
    allow: { listServices: ['osd'] },
    log: () => {},
    handlers: { listServices: () => new Promise(() => {}) },
  });
  const connection = server.accept(ours, 'osd');
  const client = new ControlClient(theirs, { channels: native.channel });
  const pending = client.request('listServices', {}).catch((error) => error);
  setTimeout(() => connection.close(), 20);
  t.match(await pending, { kind: 'UNAVAILABLE' });
  t.notOk(client.isOpen);
});

t.test('noise ends the connection', async (t) => {
  const [ours, theirs] = native.channel.pair();
  const logged: string[] = [];
  const server = new ControlServer({
    channels: native.channel,
    allow: {},
    log: (text) => void logged.push(text),
    handlers: {},
  });
  server.accept(ours, 'osd');
  await new Promise<void>((resolve) => {
    const channel = native.channel.open(
      theirs,
      { maxMessageBytes: MAX_FRAME_BYTES },
      { onMessage: () => {}, onClose: () => resolve() },
    );
    channel.send(Buffer.from('this is no frame'));
  });
  t.match(logged.join(), /malformed frame/);
});
