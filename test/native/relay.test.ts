/** Relays of the addon: from their hand-over to their end, and what becomes of the process. The moving itself: native/test/relay_test.cc. */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import t from 'tap';
import type { FileDescriptor } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';

const { descriptor, relay } = loadNative();
const socketOf = (end: FileDescriptor) => new Socket({ fd: end.releaseNumber(), allowHalfOpen: true });

function handed() {
  const [near, left] = descriptor.streamPair();
  const [far, right] = descriptor.streamPair();
  const told: string[] = [];
  let over = (): void => {};
  const isOver = new Promise<void>((resolve) => {
    over = resolve;
  });
  const handlers = {
    onHalfClosed: () => void told.push('half closed'),
    onOver: () => {
      told.push('over');
      over();
    },
  };
  const moving = relay.start(left, right, handlers);
  return { near: socketOf(near), far: socketOf(far), left, right, moving, told, isOver };
}

t.test('bytes and ends, both ways', async (t) => {
  const { near, far, left, right, moving, told, isOver } = handed();
  t.notOk(left.isOpen || right.isOpen, 'both were taken over');
  near.write('question');
  t.equal(String(await once(far, 'data')), 'question');
  near.end();
  await once(far, 'end');
  far.end('answer');
  t.equal(String(await once(near, 'data')), 'answer');
  await isOver;
  t.same(told, ['half closed', 'over']);
  t.equal(moving.bytes(), 14);
  moving.abort();
  t.same(told, ['half closed', 'over'], 'nothing comes after the end');
});

t.test('whoever ends it is not told, and both sides are', async (t) => {
  const { near, far, moving, told } = handed();
  moving.abort();
  moving.abort();
  for (const socket of [near, far]) {
    socket.on('error', () => {}).resume();
    socket.end();
    await once(socket, 'close');
  }
  t.same(told, []);
});

t.test('what is no socket, or nothing any more', (t) => {
  const none = { onHalfClosed: () => {}, onOver: () => {} };
  const [one, other] = descriptor.streamPair();
  t.throws(() => relay.start(1 as never, other, none), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => relay.start(one, other, {} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  t.ok(one.isOpen && other.isOpen, 'nothing was taken');
  other.close();
  t.throws(() => relay.start(one, other, none), { code: 'ERR_INVALID_ARG_VALUE' });
  t.ok(one.isOpen);
  one.close();
  t.end();
});

t.test('no descriptor is left', async (t) => {
  const open = () =>
    Array.from({ length: 200 }, (_, fd) => fd).filter((fd) => {
      try {
        return fstatSync(fd) !== undefined;
      } catch {
        return false;
      }
    }).length;
  const before = open();
  for (let round = 0; round < 20; round += 1) {
    const { near, far, isOver } = handed();
    near.end();
    far.end();
    near.resume();
    far.resume();
    await Promise.all([isOver, once(near, 'close'), once(far, 'close')]);
  }
  t.equal(open(), before);
});
