import t from 'tap';
import { GIB, MIB } from '../../../lib/base/units.js';
import { wipe } from '../../../lib/blockd/wipe.js';
import { FakeDescriptor } from '../control/fake-channel.js';

/** A device that is only told what is done to it: a real one of this size would take its time (process.test.ts has a real one). */
function device(sizeBytes: number, onErase: (offset: number) => void = () => {}) {
  const done: unknown[] = [];
  const block = {
    wipeSignatures: async () => {
      done.push('marks');
      return [{ name: 'gpt', usage: 'table' as const, offset: 512, length: 8 }];
    },
    info: async () => ({ sizeBytes }) as never,
    erase: async (_device: unknown, kind: string, offset: number, length: number) => {
      done.push([kind, offset, length]);
      onErase(offset);
    },
    flush: async () => void done.push('flush'),
  };
  return { block, done };
}

t.test('FAST leaves all but the marks, ZEROES goes on in steps', async (t) => {
  const { signal } = new AbortController();
  const fast = device(4 * GIB);
  t.same(await wipe(fast.block, new FakeDescriptor('device'), 'FAST', signal), ['gpt']);
  t.same(fast.done, ['marks', 'flush']);
  const whole = device(2 * GIB + MIB);
  await wipe(whole.block, new FakeDescriptor('device'), 'ZEROES', signal);
  t.same(whole.done, ['marks', ['zero', 0, GIB], ['zero', GIB, GIB], ['zero', 2 * GIB, MIB], 'flush']);
});

t.test('it is given up between two steps when nobody waits any more', async (t) => {
  const stop = new AbortController();
  const { block, done } = device(4 * GIB, () => stop.abort(new Error('machined is gone')));
  const wiping = wipe(block, new FakeDescriptor('device'), 'ZEROES', stop.signal);
  await t.rejects(wiping, { message: 'machined is gone' });
  t.same(done, ['marks', ['zero', 0, GIB]]);
});
