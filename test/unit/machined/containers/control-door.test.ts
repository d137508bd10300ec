/** The door of a container and the one who comes through it, over real sockets; init is played by the test. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlClient } from '../../../../lib/control/client.js';
import { CONTROL_SOCKET } from '../../../../lib/control/container-socket.js';
import { ControlServer } from '../../../../lib/control/server.js';
import { ControlDoor, type ControlDoorOptions } from '../../../../lib/machined/containers/control-door.js';
import type { FileDescriptor } from '../../../../lib/native/contract.js';
import { loadNative } from '../../../../lib/native/index.js';
import { findControl } from '../../../../lib/server/control-connection.js';
import { shortFolder } from '../../../helpers/short-folder.js';
import { openDescriptors } from '../../../native/open-descriptors.js';

const native = loadNative();
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

/** What this process is, in place of one in a container. */
function node(t: Test) {
  const folder = join(shortFolder(t), 'control');
  const log: string[] = [];
  const peers: string[] = [];
  const pauses: (() => void)[] = [];
  const init = new ControlServer({
    channels: native.channel,
    allow: { reportListening: ['box'] },
    log: (text) => void log.push(text),
    handlers: {
      reportListening: (_request, { peer }) => {
        peers.push(peer);
        return { body: {} };
      },
    },
  });
  const open = async (changes: Partial<ControlDoorOptions> = {}) => {
    const door = new ControlDoor(
      { id: 'box', uid, gid },
      {
        channels: native.channel,
        openControl: async (id) => {
          const [ours, theirs] = native.channel.pair();
          init.accept(ours, id);
          return theirs;
        },
        log: (text) => void log.push(text),
        sleep: () => new Promise((resolve) => void pauses.push(resolve)),
        cgroupOf: async () => '/system/box',
        folder,
        ...changes,
      },
    );
    t.teardown(() => door.close());
    await door.open();
    return door;
  };
  const box = join(folder, 'box');
  const enter = () => findControl(native, box)();
  const client = async () => new ControlClient(await enter(), { channels: native.channel });
  return { open, client, enter, log, peers, pauses, box, socket: join(box, CONTROL_SOCKET) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Ends when the other side does. @returns how it ended */
function whole(socket: FileDescriptor): {
  over: Promise<string>;
  send(text: string, descriptors?: FileDescriptor[]): void;
} {
  let end = (_how: string) => {};
  const over = new Promise<string>((resolve) => {
    end = resolve;
  });
  const channel = native.channel.open(
    socket,
    { maxMessageBytes: 100 },
    {
      onMessage: (_message, descriptors) => {
        for (const descriptor of descriptors) descriptor.close();
        end('served');
      },
      onClose: (error) => end(error?.message ?? 'closed'),
    },
  );
  return {
    over: over.finally(() => channel.close()),
    send: (text, descriptors) => void channel.send(Buffer.from(text), descriptors),
  };
}

t.test('a container gets a connection that is its identity', async (t) => {
  const { open, client, peers, box, socket, log } = node(t);
  await open();
  t.equal(statSync(box).mode & 0o777, 0o500, 'nobody else enters');
  t.equal(statSync(socket).mode & 0o777, 0o600);
  const asker = await client();
  await asker.request('reportListening', { port: 1 });
  t.same(peers, ['box']);
  await t.rejects(asker.request('listServices', {}), { message: 'box may not call listServices' });
  t.same(log, ['box may not call listServices']);
  asker.close();
});

t.test('the next machined listens in the same folder, and what there is goes on', async (t) => {
  const { open, client, peers, socket, box } = node(t);
  const first = await open();
  const before = await client();
  const { ino } = statSync(box);
  first.close();
  await t.rejects(client(), { code: 'ECONNREFUSED' }, 'nobody is there for a moment');
  await open();
  t.equal(statSync(box).ino, ino, 'mounts of it lead to the new socket');
  t.notOk(existsSync(`${socket}.new`));
  const after = await client();
  for (const asker of [before, after]) await asker.request('reportListening', { port: 1 });
  t.same(peers, ['box', 'box']);
  for (const asker of [before, after]) asker.close();
});

t.test('another user, another process: no connection, and one line of the log', async (t) => {
  for (const [changes, line] of [
    [{ cgroupOf: async () => '/system/other' }, `refused process ${process.pid}, which is not in its group`],
    [
      { cgroupOf: () => Promise.reject(new Error('gone')) },
      `refused process ${process.pid}, which is not in its group`,
    ],
    [{ channels: asUser(uid + 1) }, `refused a process of user ${uid + 1}`],
  ] as [Partial<ControlDoorOptions>, string][]) {
    const { open, enter, log, pauses } = node(t);
    await open(changes);
    for (let count = 0; count < 3; count++) {
      const refused = t.rejects(enter(), { message: 'no control connection for this container: machined refused it' });
      await until(() => pauses.length > 0);
      pauses.shift()?.();
      await refused;
    }
    t.same(log, [`control socket of box: ${line}`]);
  }
});

t.test('without init there is none, and later there is', async (t) => {
  const { open, client, log, pauses } = node(t);
  let isThere = false;
  const [ours, theirs] = native.channel.pair();
  await open({
    openControl: async () => {
      if (!isThere) throw new Error('the control connection is closed');
      return theirs;
    },
  });
  await t.rejects(client(), { message: /machined refused it/ });
  t.same(log, ['control socket of box: the control connection is closed']);
  isThere = true;
  const next = client();
  await until(() => pauses.length > 0);
  pauses.shift()?.();
  (await next).close();
  ours.close();
});

t.test('who floods the door is served at its pace, and nothing of it stays', async (t) => {
  const { open, client, pauses, socket, peers } = node(t);
  await open();
  const before = openDescriptors();
  const [passed, other] = native.descriptor.pipe();
  const flood: ReturnType<typeof whole>[] = [];
  await t.rejects(
    async () => {
      for (;;) {
        const one = whole(native.channel.connect(socket));
        flood.push(one);
        one.send('x', [passed, other]);
        one.send('far too long', []);
      }
    },
    { code: 'EAGAIN' },
    'only so many wait',
  );
  passed.close();
  other.close();
  t.ok(flood.length < 20, `${flood.length}`);
  await until(() => pauses.length === 1);
  const turns = await new Promise((resolve) => setImmediate(() => resolve(pauses.length)));
  t.equal(turns, 1, 'no other one before the pause is over');
  const ends = Promise.all(flood.map(({ over }) => over));
  let isOver = false;
  void ends.finally(() => {
    isOver = true;
  });
  await until(() => {
    pauses.shift()?.();
    return isOver;
  });
  await until(() => pauses.length === 1 || openDescriptors() === before);
  pauses.shift()?.();
  const asker = await client();
  await asker.request('reportListening', { port: 1 });
  t.same(peers, ['box']);
  asker.close();
  await until(() => openDescriptors() === before);
});

t.test('a client that has gone again costs nothing', async (t) => {
  const { open, client, pauses, socket } = node(t);
  await open();
  const before = openDescriptors();
  native.channel.connect(socket).close();
  await until(() => pauses.length === 1);
  pauses.shift()?.();
  (await client()).close();
  await until(() => openDescriptors() === before);
});

function asUser(other: number): ControlDoorOptions['channels'] {
  const { channel } = native;
  return {
    listen: channel.listen,
    open(...words) {
      const opened = channel.open(...words);
      return {
        send: (message, descriptors) => opened.send(message, descriptors),
        close: () => opened.close(),
        peer: () => ({ ...opened.peer(), uid: other }),
      };
    },
  };
}
