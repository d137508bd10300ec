/** The config disk: missing, plugged in later, broken. No API is there to ask, so the console is what counts. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { makeConfigDisk } from '../../lib/cluster/config-disk.js';
import { plugDisk, unplugDisk } from '../../lib/cluster/node-control.js';
import { readConfigDisk } from '../helpers/credentials.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';

t.setTimeout(seconds(240));

/** A config disk whose superblock is whole, and whose root directory is gone with the table of inodes. */
async function damageConfigDisk(file: string): Promise<void> {
  await makeConfigDisk(file, 'version: v1alpha1\n');
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0xff, 8192));
}

t.test('a node without a config waits for one', async (t) => {
  const node = await TestNode.createWaiting({ name: 'config' });
  t.teardown(() => node[Symbol.asyncDispose]());

  await t.test('it says so on its console', async (t) => {
    const line = await node.waitForConsole(/no config disk/i);
    t.match(line.text, /TALOSCONFIG/, 'and by which label it looks for one');
  });

  await t.test('a disk that is none of ours is not taken', async (t) => {
    const mark = node.consoleMark;
    const file = join(node.home.folder, 'noise.img');
    await writeFile(file, randomBytes(1024 * 1024));
    await plugDisk(node.state, { id: 'noise', file, port: 'hotplug0' });
    await node.waitForConsole(/\bvd[a-z]\b/, { after: mark });
    t.notOk(node.console.lines.slice(mark).some(({ text }) => /phase osd-listening/.test(text)));
  });

  await t.test('a config disk that is plugged in brings the API up', async (t) => {
    const mark = node.consoleMark;
    await plugDisk(node.state, { id: 'config', file: node.state.configDisk, port: 'hotplug1' });
    await node.waitForApi(mark);
    const answer = await node.home.osctl(['version']);
    t.equal(answer.code, 0, answer.stderr);
  });
});

t.test('a broken config is named, and replaced by a good one', async (t) => {
  const node = await TestNode.createWaiting({ name: 'broken' });
  t.teardown(() => node[Symbol.asyncDispose]());
  await node.waitForConsole(/no config disk/i);

  await t.test('the problem is named with its place', async (t) => {
    const mark = node.consoleMark;
    const file = join(node.home.folder, 'broken.img');
    const good = await readConfigDisk(node.state.configDisk);
    const broken = good.replace(/^machine:\n/m, 'machine:\n  colour: blue\n');
    await makeConfigDisk(file, broken);
    await plugDisk(node.state, { id: 'broken', file, port: 'hotplug0' });
    const line = await node.waitForConsole(/machine\.colour/, { after: mark });
    const place = broken.split('\n').indexOf('  colour: blue') + 1;
    t.match(line.text, `line ${place}: machine.colour`);
    t.notMatch(line.text, /blue/, 'values are not shown: they may be secret');
  });

  await t.test('one that cannot be read is named, too', async (t) => {
    const file = join(node.home.folder, 'unreadable.img');
    const damages: Record<string, { make: () => Promise<void>; reason: RegExp }> = {
      'no YAML': { make: () => makeConfigDisk(file, 'machine: [\n'), reason: /the machine config is not valid: / },
      'a damaged file system': {
        make: () => damageConfigDisk(file),
        reason: /cannot be used: .*(EUCLEAN|EIO|EFSBADCRC|EBADMSG)/,
      },
    };
    let plugged = 'broken';
    for (const [name, { make, reason }] of Object.entries(damages)) {
      await unplugDisk(node.state, plugged);
      plugged = name.replaceAll(' ', '-');
      const mark = node.consoleMark;
      await make();
      await plugDisk(node.state, { id: plugged, file, port: 'hotplug0' });
      const { text } = await node.waitForConsole(/the config disk cannot be used/, { after: mark });
      t.match(text, reason, name);
      t.match(text, /waiting for another$/, name);
    }
    await unplugDisk(node.state, plugged);
  });

  await t.test('a good one in its place is taken', async (t) => {
    const mark = node.consoleMark;
    await plugDisk(node.state, { id: 'config', file: node.state.configDisk, port: 'hotplug1' });
    await node.waitForApi(mark);
    t.equal((await node.home.osctl(['version'])).code, 0);
  });
});
