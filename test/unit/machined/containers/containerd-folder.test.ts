/** Real folders, and a containerd of which only PID 1's account is there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { GIB, MIB } from '../../../../lib/base/units.js';
import { ControlError } from '../../../../lib/control/errors.js';
import { ContainerdFolder } from '../../../../lib/machined/containers/containerd-folder.js';
import type { FolderMove } from '../../../../lib/machined/containers/folder-move.js';

function node(t: Test) {
  const folder = t.testdir({ containerd: { 'meta.db': 'damaged' } });
  const root = join(folder, 'containerd');
  const service = { id: 'containerd', state: 'Waiting', restarts: 0, lastLogLine: 'invalid database' };
  const said: string[] = [];
  const asked: string[] = [];
  const world = { availableBytes: GIB, isReadOnly: false, mounts: [] as { mountPoint: string }[], stops: true };
  const init = {
    async request(method: string, { action }: { action?: string }) {
      if (method === 'listServices') return { body: { services: [{ id: 'osd' }, service] } };
      asked.push(String(action));
      if (action === 'STOP' && !world.stops) throw new ControlError('DEADLINE_EXCEEDED', 'no answer');
      service.state = action === 'START' ? 'Running' : 'Finished';
      return { body: { message: '' } };
    },
  };
  let written: FolderMove | undefined;
  const machined = (life: Life = { step: async () => {} }) =>
    new ContainerdFolder({
      init: {
        async request(method: string, body: object) {
          await life.step(method);
          return init.request(method, body);
        },
      } as never,
      space: async () => world,
      mounts: () => world.mounts,
      problem: (text) => void said.push(text),
      store: {
        read: async () => written,
        async write(move) {
          await life.step(move.kind);
          written = move;
          await life.step(`${move.kind} written`);
        },
      },
      root,
      state: '/run/containerd',
    });
  const made = machined();
  const fails = async (restarts: number, state = 'Waiting') => {
    Object.assign(service, { restarts, state });
    await made.silent();
  };
  return { folder: made, machined, root, service, said, asked, world, fails, written: () => written };
}

/** Called before what it names; does not come back when the process ends there. */
interface Life {
  step(name: string): Promise<void>;
}

t.test('a folder that was to blame stays aside', async (t) => {
  const { folder, root, said, asked, fails } = node(t);
  await fails(3);
  t.same(asked, [], 'not yet');
  mkdirSync(`${root}.set-aside`);
  writeFileSync(join(`${root}.set-aside`, 'old'), 'of an earlier boot');
  await fails(4);
  t.same(asked, ['STOP', 'START']);
  t.notOk(existsSync(root), 'containerd makes one');
  t.equal(readFileSync(join(`${root}.set-aside`, 'meta.db'), 'utf8'), 'damaged');
  t.notOk(existsSync(join(`${root}.set-aside`, 'old')));
  await folder.answered();
  await fails(9);
  t.same(asked, ['STOP', 'START'], 'once in a boot');
  t.match(said, [
    'containerd has ended 4 times at its start, the last time with: invalid database; it is tried with an empty folder',
    /^containerd could not start with its folder, and does without: what was in it is in .*\.set-aside, images are fetched again$/,
  ]);
});

t.test('one that was not is put back', async (t) => {
  const { folder, root, said, asked, fails } = node(t);
  await fails(4);
  mkdirSync(root);
  writeFileSync(join(root, 'new'), '');
  await fails(5);
  t.same(asked, ['STOP', 'START'], 'it has another try');
  await fails(6);
  t.same(asked, ['STOP', 'START', 'STOP', 'START']);
  t.equal(readFileSync(join(root, 'meta.db'), 'utf8'), 'damaged');
  t.notOk(existsSync(join(root, 'new')) || existsSync(`${root}.set-aside`));
  await fails(20);
  await folder.answered();
  t.equal(asked.length, 4, 'nothing is tried again');
  t.match(said, [
    /tried with an empty folder$/,
    'containerd does not start with an empty folder either: it has its own again',
  ]);
});

t.test('it is left alone when something else may be to blame', async (t) => {
  const { folder, root, said, asked, world, fails } = node(t);
  await fails(9, 'Finished');
  await fails(9, 'Stopping');
  world.availableBytes = 63 * MIB;
  await fails(9);
  Object.assign(world, { availableBytes: GIB, isReadOnly: true });
  await fails(9);
  Object.assign(world, {
    isReadOnly: false,
    mounts: [{ mountPoint: '/run/containerd/io.containerd.runtime/x/rootfs' }],
  });
  await fails(9);
  t.ok(existsSync(root));
  t.same([asked, said], [[], []]);
  world.mounts = [{ mountPoint: '/run/containerd.other' }];
  await folder.answered();
  await fails(9);
  t.same(asked, [], 'it has answered in this boot');
});

t.test('one that does not stop is started again all the same', async (t) => {
  const { root, said, asked, world, fails } = node(t);
  world.stops = false;
  await fails(4);
  t.same(asked, ['STOP', 'START']);
  t.ok(existsSync(root));
  t.same(said, ['the folder of containerd was not moved: service "containerd" does not stop']);
});

for (const isToBlame of [true, false]) {
  t.test(
    `machined ends before any step, and the next one goes on: ${isToBlame ? 'set aside' : 'put back'}`,
    async (t) => {
      /** containerd as PID 1 has it, until it is decided: it ends with its own folder, and with an empty one unless that is to blame. */
      const live = async (each: ReturnType<typeof node>, folder: ContainerdFolder) => {
        for (let look = 0; look < 12 && each.written()?.kind !== 'done'; look += 1) {
          const { service, root } = each;
          if (service.state !== 'Finished') {
            if (!existsSync(root)) mkdirSync(root);
            if (isToBlame && !existsSync(join(root, 'meta.db'))) return await folder.answered();
            Object.assign(service, { state: 'Waiting', restarts: service.restarts + 1 });
          }
          await folder.silent();
        }
      };
      let ends = 0;
      for (let left = 0; ; left += 1) {
        const each = node(t);
        Object.assign(each.service, { state: 'Running', restarts: 3 });
        let step = 0;
        let end = () => {};
        const ended = new Promise<'ended'>((resolve) => {
          end = () => resolve('ended');
        });
        const first = each.machined({
          step: (name) => {
            // What it has only looked at leaves nothing behind.
            if (name === 'listServices' || step++ < left) return Promise.resolve();
            end();
            return new Promise(() => {});
          },
        });
        const whole = live(each, first).then(() => 'whole' as const);
        if ((await Promise.race([whole, ended])) === 'whole') break;
        ends += 1;
        await live(each, each.machined());
        const kept = join(isToBlame ? `${each.root}.set-aside` : each.root, 'meta.db');
        t.equal(readFileSync(kept, 'utf8'), 'damaged', `before step ${left}: nothing is lost`);
        t.equal(existsSync(`${each.root}.set-aside`), isToBlame);
        t.notMatch(each.service.state, /Finished|Stopping/, 'it does not stay stopped');
        t.equal(each.written()?.kind, 'done');
      }
      t.ok(ends > 6, 'there were steps to end before');
    },
  );
}

t.test('without a folder there is nothing to move', async (t) => {
  const { asked, fails, root } = node(t);
  const { rmSync } = await import('node:fs');
  rmSync(root, { recursive: true });
  await fails(4);
  t.same(asked, []);
});
