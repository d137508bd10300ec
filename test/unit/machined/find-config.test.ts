import t from 'tap';
import { findConfig } from '../../../lib/machined/find-config.js';
import type { NetlinkModule, Uevent } from '../../../lib/native/contract.js';
import { generated } from './fixtures.js';

type Handlers = Parameters<NetlinkModule['monitorUevents']>[0];

/** A machine whose disks the test changes, with the kernel's news of it. */
function machine(content: () => Promise<string | undefined>) {
  const monitors = new Set<Handlers>();
  const said: string[] = [];
  let reads = 0;
  const found = findConfig({
    netlink: {
      monitorUevents(handlers) {
        monitors.add(handlers);
        return { close: () => void monitors.delete(handlers) };
      },
    },
    read: () => {
      reads++;
      return content();
    },
    waiting: (why) => void said.push(why),
  });
  const event = async (subsystem: string, action: string) => {
    const uevent: Uevent = { action, subsystem, devpath: '/devices/x', properties: {} };
    for (const { onUevent } of monitors) onUevent(uevent);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { found, said, event, monitors, reads: () => reads };
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
  content = worker;
  await event('block', 'change');
  t.equal(said.length, 5);
  for (const sentence of said.slice(1)) {
    t.match(sentence, /^the config disk cannot be used: .+; waiting for another$/);
    t.notMatch(sentence, /\n/, 'one line each');
  }
  t.match(said[3], /EIO/);
  t.match(said[4], /machine.ca.key: is missing: nodes that get/);
  content = controlplane;
  await event('block', 'add');
  t.equal((await found).hostname, 'node-1');
  t.equal(monitors.size, 0, 'and looks no more');
});
