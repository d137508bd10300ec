import t from 'tap';
import { type FindConfigOptions, findConfig } from '../../../lib/machined/find-config.js';
import type { NetlinkModule, Uevent } from '../../../lib/native/contract.js';
import { generated } from './fixtures.js';

type Handlers = Parameters<NetlinkModule['monitorUevents']>[0];

/** A machine whose disks the test changes, with the kernel's news of it. */
function machine(
  content: () => Promise<string | undefined>,
  state: FindConfigOptions['openState'] = async () => undefined,
) {
  const monitors = new Set<Handlers>();
  const said: string[] = [];
  const passedOver: string[] = [];
  let reads = 0;
  const found = findConfig({
    netlink: {
      monitorUevents(handlers) {
        monitors.add(handlers);
        return { close: () => void monitors.delete(handlers) };
      },
    },
    readDisk: () => {
      reads++;
      return content();
    },
    openState: state,
    waiting: (why) => void said.push(why),
    passedOver: (why) => void passedOver.push(why),
  });
  const event = async (subsystem: string, action: string) => {
    const uevent: Uevent = { action, subsystem, devpath: '/devices/x', properties: {} };
    for (const { onUevent } of monitors) onUevent(uevent);
    // What follows from it is done in promises alone: by the next turn of the loop it has happened.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { found, said, passedOver, event, monitors, reads: () => reads };
}

t.test('the node waits for a disk, says so once, and takes the first good one', async (t) => {
  const { controlplane, worker } = await generated();
  let content: string | Error | undefined;
  const { found, said, event, monitors, reads } = machine(async () => {
    if (content instanceof Error) throw content;
    return content;
  });
  await event('net', 'add');
  await event('block', 'remove');
  t.equal(reads(), 1, 'what has nothing to do with disks is no reason to look');
  await event('block', 'add');
  t.same(said, ['no config disk (a file system with the label TALOSCONFIG) was found; waiting for one']);
  content = 'version: v1alpha1\nmachine: [\n';
  await event('block', 'change');
  content = 'version: v2\nmachine: {}\ncluster: {}\n';
  await event('block', 'change');
  content = new Error('EIO: the disk cannot be read');
  await event('block', 'change');
  content = worker.replace(/crt: \S+/, 'crt: aGVsbG8=');
  await event('block', 'change');
  t.equal(said.length, 5);
  for (const sentence of said.slice(1)) {
    t.match(sentence, /^the config disk cannot be used: .+; waiting for another$/);
    t.notMatch(sentence, /\n/, 'one line each');
  }
  t.match(said[3], /EIO/);
  t.match(said[4], /machine\.ca\.crt: is not base64 of a certificate in PEM/);
  content = controlplane;
  await event('block', 'add');
  t.match(await found, { config: { hostname: 'node-1' }, source: 'the config disk', diskText: controlplane });
  t.equal(monitors.size, 0, 'and looks no more');
});

/** A STATE with this config, which has taken the text of that disk. */
const stateWith = (config: string | undefined, seen?: string) => async () => ({
  read: async () => config,
  hasSeen: async (text: string) => text === seen,
});

t.test('which of two configs counts', async (t) => {
  const { controlplane } = await generated();
  const other = controlplane.replace('node-1', 'node-2');
  const broken = 'version: v2\n';
  const cases: [
    what: string,
    disk: string | undefined,
    state: ReturnType<typeof stateWith>,
    source: string,
    name: string,
  ][] = [
    ['no disk', undefined, stateWith(other), 'STATE', 'node-2'],
    ['a disk that is the same as ever', controlplane, stateWith(other, controlplane), 'STATE', 'node-2'],
    ['another disk', controlplane, stateWith(other, 'what was before'), 'the config disk', 'node-1'],
    ['an empty STATE', controlplane, stateWith(undefined), 'the config disk', 'node-1'],
    ['another disk that is not valid', broken, stateWith(other), 'STATE', 'node-2'],
    ['a STATE that is not valid', controlplane, stateWith(broken, controlplane), 'the config disk', 'node-1'],
  ];
  for (const [what, disk, state, source, hostname] of cases) {
    const { found, said, passedOver } = machine(async () => disk, state);
    t.match(await found, { source, config: { hostname } }, what);
    t.same(said, []);
    t.equal(passedOver.length, /not valid/.test(what) ? 1 : 0);
    if (passedOver[0]) t.match(passedOver[0], /cannot be used: .*; the config of (STATE|the config disk) is used$/);
  }
});

t.test('a STATE that cannot be read leaves the disk, or a node that waits and says both', async (t) => {
  const { controlplane } = await generated();
  const state = async () => ({
    read: async () => Promise.reject(new Error('EIO: it is broken')),
    hasSeen: async () => Promise.reject(new Error('EIO: it is broken')),
  });
  t.match(await machine(async () => controlplane, state).found, { source: 'the config disk' });
  let content = 'version: v2\n';
  const { found, said, event } = machine(async () => content, state);
  await event('net', 'add');
  t.match(said, [
    /^STATE cannot be used: EIO.*; the config disk cannot be used: .*; the machine config in STATE .*; waiting for another$/,
  ]);
  content = controlplane;
  await event('block', 'change');
  t.match(await found, { source: 'the config disk' });
});
