import t from 'tap';
import { GIB } from '../../../../lib/base/units.js';
import { SpaceWatch } from '../../../../lib/machined/volumes/space-watch.js';

function watchOf() {
  const told: [isFull: boolean, text: string][] = [];
  const now = { totalBytes: 10 * GIB, availableBytes: 5 * GIB, files: 1000, freeFiles: 900 };
  let failure: Error | undefined;
  const watch = new SpaceWatch({
    space: async () => {
      if (failure) throw failure;
      return now;
    },
    tell: (...words) => void told.push(words),
    intervalMs: 1,
  });
  const look = async (change: Partial<typeof now>) => {
    Object.assign(now, change);
    await watch.look();
    return told.splice(0);
  };
  const fail = (error?: Error) => {
    failure = error;
  };
  return { watch, look, told, fail };
}

t.test('full is said once, and room once there is some', async (t) => {
  const { look } = watchOf();
  t.same(await look({}), []);
  t.same(await look({ availableBytes: 0.02 * 10 * GIB }), [], 'just enough');
  t.same(await look({ availableBytes: 0 }), [
    [true, 'EPHEMERAL is full: 0 of 10240 MiB and 900 of 1000 files are left'],
  ]);
  t.same(await look({ availableBytes: 0.04 * 10 * GIB }), [], 'neither full nor with room');
  t.same(await look({ availableBytes: 0 }), [], 'it was said');
  t.match(await look({ availableBytes: GIB }), [[false, /^EPHEMERAL has room again: 1024 of 10240 MiB/]]);
  t.match(await look({ freeFiles: 5 }), [[true, /^EPHEMERAL is full: .* 5 of 1000 files/]], 'files run out as well');
  t.match(await look({ files: 0, freeFiles: 0 }), [[false, /room again/]], 'a file system that does not count files');
});

t.test('one that cannot be asked is told once, and asked again', async (t) => {
  const { look, fail } = watchOf();
  fail(new Error('EIO: i/o error'));
  t.same(await look({}), [[false, 'EPHEMERAL cannot be asked for its room: EIO: i/o error']]);
  t.same(await look({}), []);
  fail(undefined);
  t.match(await look({ availableBytes: 0 }), [[true, /is full/]]);
});

t.test('it goes on until it is stopped', async () => {
  const { watch, look } = watchOf();
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  await look({ availableBytes: 0 });
  stop.abort();
  await running;
});
