/** Where the config is kept for the next boot, and what counts of it then. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigStore } from '../../../lib/machined/config-store.js';
import { StateConfig } from '../../../lib/machined/state-config.js';
import { loadNative } from '../../../lib/native/index.js';

const { files } = loadNative();

/** Two folders in the place of STATE and of the config disk. */
function node(t: Test, isStateThere: boolean) {
  const folder = t.testdir({ state: {}, disk: {} });
  const statePath = join(folder, 'state');
  const volumes = {
    statePath: isStateThere ? statePath : undefined,
    exclusively: <T>(work: () => Promise<T>) => work(),
  };
  const store = new ConfigStore(files, volumes, {
    files,
    findByLabel: async () => ['/dev/vda'],
    mountPoint: join(folder, 'disk'),
    mount: { mount: async () => {}, umount: async () => {} },
  });
  const state = new StateConfig(files, statePath);
  return { folder, volumes, statePath, store, state };
}

t.test('what the config disk has brought is kept in STATE, and the disk is known again', async (t) => {
  const { store, state, statePath } = node(t, true);
  t.equal(await state.read(), undefined);
  t.equal(await state.hasSeen('brought'), false);
  store.takenFromDisk('brought');
  await store.settle();
  t.equal(await state.read(), 'brought');
  t.equal(await state.hasSeen('brought'), true);
  t.equal(await state.hasSeen('another'), false);
  t.equal(statSync(join(statePath, 'config.yaml')).mode & 0o777, 0o600);
  await store.store('from the API');
  await store.settle();
  t.equal(await state.read(), 'from the API', 'what came later stays');
});

t.test('what the API stores before STATE was looked at is not lost to the disk', async (t) => {
  const { store, state } = node(t, true);
  store.takenFromDisk('brought');
  await store.store('from the API');
  await store.settle();
  t.equal(await state.read(), 'from the API');
  t.equal(await state.hasSeen('brought'), true, 'and the disk does not come before it at the next boot');
});

t.test('without STATE the config disk keeps it, and STATE gets it when it is made', async (t) => {
  const { folder, store, state, volumes, statePath } = node(t, false);
  store.takenFromDisk('brought');
  await store.settle();
  await store.store('from the API');
  t.equal(readFileSync(join(folder, 'disk', 'config.yaml'), 'utf8'), 'from the API');
  volumes.statePath = statePath;
  await store.settle();
  t.equal(await state.read(), 'from the API');
  t.equal(await state.hasSeen('from the API'), true);
});

t.test('a machined that knows nothing of the disk fills an empty STATE, and no other', async (t) => {
  const { folder, store, state } = node(t, true);
  await store.settle();
  t.equal(await state.read(), undefined, 'there is no config on the disk either');
  writeFileSync(join(folder, 'disk', 'config.yaml'), 'brought');
  await store.settle();
  t.equal(await state.read(), 'brought');
  t.equal(await state.hasSeen('brought'), true);
  const fetched = node(t, true);
  await fetched.store.settle('brought over the network');
  t.equal(await fetched.state.read(), 'brought over the network', 'no disk has it: it is the only one that there is');
  t.equal(await fetched.state.hasSeen('brought over the network'), false);
  await fetched.store.settle('what an earlier machined ran with');
  t.equal(await fetched.state.read(), 'brought over the network');
  const both = node(t, true);
  writeFileSync(join(both.folder, 'disk', 'config.yaml'), 'brought');
  await both.store.settle('brought');
  t.equal(await both.state.hasSeen('brought'), true, 'that of a disk is known again');
  const later = node(t, true);
  await later.state.write('from the API');
  writeFileSync(join(later.folder, 'disk', 'config.yaml'), 'brought');
  await later.store.settle();
  t.equal(await later.state.read(), 'from the API');
});
