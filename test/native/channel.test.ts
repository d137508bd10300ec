import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { Channel, ChannelHandlers, FileDescriptor } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { shortFolder } from '../helpers/short-folder.js';
import { QUIET, readAll } from './collect.js';
import { openDescriptors } from './open-descriptors.js';

const native = loadNative();
const { channel, descriptor } = native;
const MAX = 1000;

native.process.startReaper({ subreaper: false });

/** One end, with everything that came. */
class End implements ChannelHandlers {
  readonly messages: Buffer[] = [];
  readonly descriptors: FileDescriptor[] = [];
  closes = 0;
  error: NodeJS.ErrnoException | undefined;
  readonly channel: Channel;
  private wake = () => {};

  constructor(socket: FileDescriptor, maxMessageBytes = MAX) {
    this.channel = channel.open(socket, { maxMessageBytes }, this);
  }

  onMessage(message: Buffer, descriptors: FileDescriptor[]): void {
    this.messages.push(message);
    this.descriptors.push(...descriptors);
    this.wake();
  }

  onClose(error?: Error): void {
    this.closes++;
    this.error = error;
    this.wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

function pair(): [End, End] {
  const [one, two] = channel.pair();
  return [new End(one), new End(two)];
}

t.test('messages keep their bytes, bounds and order, both ways', async (t) => {
  const [one, two] = pair();
  const sent = Array.from({ length: 500 }, (_, position) => randomBytes(1 + (position % MAX)));
  let next = 0;
  while (next < sent.length) {
    while (next < sent.length && one.channel.send(sent[next] as Buffer)) next++;
    await two.until(() => two.messages.length === next);
  }
  two.channel.send(Buffer.from('back'));
  await one.until(() => one.messages.length === 1);
  t.ok(Buffer.concat(sent).equals(Buffer.concat(two.messages)));
  t.same(
    two.messages.map(({ length }) => length),
    sent.map(({ length }) => length),
  );
  t.match(one.channel.peer(), { pid: process.pid, uid: process.getuid?.() ?? 0 });
  one.channel.close();
  two.channel.close();
});

t.test('descriptors arrive as their own, in order', async (t) => {
  const before = openDescriptors();
  const [one, two] = pair();
  const pipes = Array.from({ length: 16 }, () => descriptor.pipe());
  t.equal(
    one.channel.send(
      Buffer.from('x'),
      pipes.map(([read]) => read),
    ),
    true,
  );
  await two.until(() => two.messages.length === 1);
  t.equal(two.descriptors.length, 16);
  for (const [read] of pipes) {
    t.equal(read.isOpen, true, 'ours stays ours');
    read.close();
  }
  const [, firstWrite] = pipes[0] as [FileDescriptor, FileDescriptor];
  const child = native.process.spawn({ ...QUIET, file: '/bin/echo', argv: ['echo', 'first'], stdout: firstWrite });
  await child.exited;
  for (const [, write] of pipes) write.close();
  t.equal(await readAll(native, two.descriptors[0] as FileDescriptor), 'first\n');
  for (const received of two.descriptors) received.close();
  one.channel.close();
  two.channel.close();
  t.equal(openDescriptors(), before);
});

t.test('a peer that does not read fills a bounded queue, and gets all of it later', async (t) => {
  const before = openDescriptors();
  const [one, silent] = channel.pair();
  const end = new End(one);
  const message = (position: number) => Buffer.from(String(position).padEnd(MAX, '.'));
  let count = 0;
  const passed = descriptor.open('/dev/null', 'r');
  while (count < 1_000_000 && end.channel.send(message(count), count % 100 === 0 ? [passed] : [])) count++;
  t.ok(count > 100 && count < 100_000, `${count} taken`);
  t.equal(end.channel.send(message(0)), false, 'still full');
  passed.close();

  const other = new End(silent);
  await other.until(() => other.messages.length === count);
  t.ok(other.messages.every((received, position) => received.equals(message(position))));
  t.equal(other.descriptors.length, Math.ceil(count / 100));
  t.equal(end.channel.send(Buffer.from('again')), true);
  await other.until(() => other.messages.length === count + 1);
  for (const received of other.descriptors) received.close();
  end.channel.close();
  other.channel.close();
  t.equal(openDescriptors(), before);
});

t.test('the end is told once, behind the last message', async (t) => {
  const [one, two] = pair();
  one.channel.send(Buffer.from('last'));
  one.channel.close();
  one.channel.close();
  t.equal(two.channel.send(Buffer.from('x')), true, 'nobody has been told that there is nobody to read it');
  await two.until(() => two.closes > 0);
  t.same([two.messages.map(String), two.closes, two.error], [['last'], 1, undefined]);
  t.equal(two.channel.send(Buffer.from('x')), false);
  t.throws(() => two.channel.peer(), { code: 'EBADF' });
  t.equal(one.closes, 0, 'not told of our own close');
});

t.test('a handler may close its channel', async (t) => {
  const [one, socket] = channel.pair();
  const sender = new End(one);
  let messages = 0;
  const receiver = channel.open(
    socket,
    { maxMessageBytes: MAX },
    {
      onMessage() {
        messages++;
        receiver.close();
      },
      onClose: () => t.fail('not told of our own close'),
    },
  );
  for (let i = 0; i < 10; i++) sender.channel.send(Buffer.from('x'));
  await sender.until(() => sender.closes > 0);
  t.equal(messages, 1);
  t.equal(sender.error?.code, 'ECONNRESET', 'it went away without reading everything');
});

t.test('messages and descriptors beyond the bounds', async (t) => {
  const [small, large] = channel.pair();
  const [one, two] = [new End(small, 10), new End(large, 1000)];
  t.throws(() => one.channel.send(Buffer.alloc(11)), { code: 'EMSGSIZE', syscall: 'sendmsg' });
  two.channel.send(Buffer.alloc(10));
  two.channel.send(Buffer.alloc(11));
  await one.until(() => one.closes > 0);
  t.equal(one.messages.length, 1);
  t.match(one.error, { code: 'EMSGSIZE', syscall: 'recvmsg' });
  await two.until(() => two.closes > 0);
});

t.test('connections come in at a socket in the file system', async (t) => {
  const before = openDescriptors();
  const path = `${shortFolder(t)}/socket`;
  t.throws(() => channel.connect(path), { code: 'ENOENT', syscall: 'connect', path });
  const listener = channel.listen(path);
  t.throws(() => channel.listen(path), { code: 'EADDRINUSE', syscall: 'bind', path });
  t.equal(listener.accept(), undefined);
  const waiting = listener.wait();
  const one = new End(channel.connect(path));
  await waiting;
  const other = new End(listener.accept() as FileDescriptor);
  t.match(other.channel.peer(), { pid: process.pid, uid: process.getuid?.() ?? 0 });
  other.channel.send(Buffer.from('welcome'));
  other.channel.close();
  await one.until(() => one.closes > 0);
  t.same(one.messages.map(String), ['welcome']);

  const interrupted = t.rejects(listener.wait(), { code: 'ECANCELED' });
  listener.close();
  listener.close();
  await interrupted;
  await t.rejects(listener.wait(), { code: 'ECANCELED' });
  t.throws(() => listener.accept(), { code: 'ECANCELED' });
  t.throws(() => channel.connect(path), { code: 'ECONNREFUSED' }, 'the file stays');
  t.throws(() => channel.listen(`/${'x'.repeat(107)}`), { code: 'ENAMETOOLONG' });
  t.throws(() => channel.listen('relative'), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => channel.connect(7 as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  t.equal(openDescriptors(), before);
});

t.test('wrong arguments', async (t) => {
  const handlers = { onMessage() {}, onClose() {} };
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  const before = openDescriptors();
  t.throws(() => channel.open({} as never, { maxMessageBytes: 1 }, handlers), type);
  const [read, write] = descriptor.pipe();
  t.throws(() => channel.open(read, { maxMessageBytes: 0 }, handlers), value);
  t.throws(() => channel.open(read, { maxMessageBytes: 1 }, { onMessage() {} } as never), type);
  t.throws(() => channel.open(read, { maxMessageBytes: 1 }, handlers), { code: 'ENOTSOCK', syscall: 'getsockopt' });
  t.equal(read.isOpen, false, 'taken over all the same');
  const [one, two] = pair();
  t.throws(() => one.channel.send('text' as never), type);
  t.throws(() => one.channel.send(Buffer.alloc(0)), value, 'an empty message looks like the end');
  t.throws(() => one.channel.send(Buffer.alloc(1), [write, 3] as never), type);
  t.throws(() => one.channel.send(Buffer.alloc(1), Array(17).fill(write)), value);
  write.close();
  t.throws(() => one.channel.send(Buffer.alloc(1), [write]), value, 'a closed one');
  one.channel.close();
  two.channel.close();
  t.equal(openDescriptors(), before);
});
