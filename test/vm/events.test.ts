/** What happens on a node as its administrator sees it: the boot, services, and a reset from the order to the next boot. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { plugDisk } from '../../lib/cluster/node-control.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import type { OsctlStream } from '../helpers/osctl.js';

t.setTimeout(seconds(330));

interface Line {
  id: string;
  event: string;
  actorId: string;
  source: string;
  message: string;
  payload: Record<string, unknown>;
}

const MIB = 1024 * 1024;
const EXT4_MAGIC_AT = 0x438;

const parse = (stream: OsctlStream): Line[] => stream.lines.map(({ text }) => JSON.parse(text));
const short = ({ event, source, message }: Line) => `${event} ${source} ${message}`;

t.test('events', async (t) => {
  const node = await TestNode.create({ name: 'events', layer: 'test', flags: ['--disk-size', '0'] });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  /** Everything that the node remembers, up to an event that must be there. */
  const past = async (last: (line: Line) => boolean, ...flags: string[]): Promise<Line[]> => {
    const stream = home.stream('events', '-o', 'json', ...flags);
    await stream.until(seconds(20), 'the newest event', () => parse(stream).some(last));
    await stream.stop();
    return parse(stream);
  };
  const osdListens = ({ source, message }: Line) => source === 'osd' && /Listening on port/.test(message);
  let boot: Line[] = [];

  await t.test('the boot, from its first phase to a node that is ready', async (t) => {
    boot = await past(osdListens, '--tail', '-1');
    t.equal(short(boot[0] as Line), 'SequenceEvent boot START');
    const texts = boot.map(short);
    for (const text of ['PhaseEvent cgroups START', 'PhaseEvent services STOP', 'SequenceEvent boot STOP']) {
      t.ok(texts.includes(text), text);
    }
    t.ok(texts.some((text) => /^AddressEvent events-controlplane-1 ADDRESSES: 10\.0\.2\.15$/.test(text)));
    t.ok(texts.includes('MachineStatusEvent RUNNING ready: true'));
    t.match(
      boot.find(({ source, payload }) => source === 'machined' && payload.healthy === true),
      { event: 'ServiceStateEvent', message: /The machine config was accepted/ },
    );
    const ids = boot.map(({ id }) => id);
    t.same([...new Set(ids)].sort(), ids, 'ids are unique and in order');
  });

  await t.test('a service that is started and stopped, as it happens', async (t) => {
    const live = home.stream('events', '-o', 'json', '--tail', '1');
    await live.until(seconds(20), 'the newest one of the past', (lines) => lines.length > 0);
    await home.succeed(['service', 'chatty', 'start']);
    await home.succeed(['service', 'chatty', 'stop']);
    await live.until(seconds(20), 'the end of chatty', () =>
      parse(live).some(({ source, payload }) => source === 'chatty' && payload.action === 'FINISHED'),
    );
    await live.stop();
    const actions = parse(live).filter(({ source }) => source === 'chatty');
    t.same(
      actions.map(({ payload }) => payload.action),
      ['STARTING', 'RUNNING', 'STOPPING', 'FINISHED'],
    );
  });

  await t.test('osd may be restarted: nothing is forgotten', async (t) => {
    // Services in containers are the last to start; what they have to tell would come between the questions below.
    const stream = home.stream('events', '-o', 'json', '--tail', '-1');
    const lastWords = { blockd: /Ready/, proxyd: /no server of the Kubernetes API/, trustd: /Listening on port/ };
    await stream.until(seconds(120), 'the containers run', () =>
      Object.entries(lastWords).every(([id, words]) =>
        parse(stream).some(({ source, message }) => source === id && words.test(message)),
      ),
    );
    await stream.stop();
    const mark = node.consoleMark;
    await home.osctl(['service', 'osd', 'restart']);
    await node.waitForApi(mark);
    const listening = (await past(() => true, '--tail', '-1'))[0];
    t.equal(listening?.id, boot[0]?.id, 'the first event of the boot is still there');
    const all = await past((line) => osdListens(line) && line.id > (boot.at(-1)?.id ?? ''), '--tail', '-1');
    t.same(all.slice(0, boot.length), boot);
    const newest = all.at(-1) as Line;
    t.same((await past(({ id }) => id === newest.id, '--tail', '3')).slice(0, 3), all.slice(-3));
    const middle = all.at(-6) as Line;
    t.same((await past(({ id }) => id === newest.id, '--since', middle.id)).slice(0, 5), all.slice(-5));
    t.equal((await past(({ id }) => id === newest.id, '--since', '1h'))[0]?.id, all[0]?.id);
  });

  await t.test('health, and a clock that nobody sets', async (t) => {
    const { stdout } = await home.succeed(['health', '--wait-timeout', '30s']);
    t.match(stdout, /api +ok.*\n.*boot +ok.*\n.*services +ok.*\n.*ready +ok.*\n.*time +skipped/);
    const bootId = await home.succeed(['read', '/proc/sys/kernel/random/boot_id']);
    t.match(bootId.stdout, /^[0-9a-f-]{36}\n$/, 'by which clients tell one boot from the next');
    const time = await home.osctl(['time']);
    t.equal(time.code, 1);
    t.match(time.stderr, /machine\.time\.servers/);
  });

  await t.test('a reset: refused where it must be', async (t) => {
    for (const [words, why] of [
      [['--system-labels-to-wipe', 'STATE'], /"STATE" is not on a disk of this node/],
      [['--user-disks-to-wipe', '/dev/vda'], /\/dev\/vda holds the machine config/],
      [['--user-disks-to-wipe', '/dev/nothing'], /no disk "\/dev\/nothing"; there are \/dev\/vda/],
    ] as const) {
      const { code, stderr } = await home.osctl(['reset', ...words]);
      t.equal(code, 1);
      t.match(stderr, why);
    }
  });

  await t.test('a reset wipes the disk that is named, and can be followed to the next boot', async (t) => {
    const file = join(home.folder, 'data.img');
    await writeFile(file, Buffer.alloc(8 * MIB, 0xaa));
    const image = await open(file, 'r+');
    await image.write(Buffer.from([0x53, 0xef]), 0, 2, EXT4_MAGIC_AT);
    await image.close();
    const mark = node.consoleMark;
    await plugDisk(node.state, { id: 'data', file, readOnly: false });
    await node.waitForConsole(/\[vdc\]/, { after: mark });

    const follower = home.stream('events', '-o', 'json', '--tail', '1');
    await follower.until(seconds(20), 'the stream is open', (lines) => lines.length > 0);
    const words = ['reset', '--reboot', '--user-disks-to-wipe', '/dev/vdc', '--wipe-mode', 'user-disks'];
    const { stderr } = await home.succeed(words, seconds(150));
    t.match(stderr, /resetting\n.*back after/s);

    t.equal(await follower.ended(seconds(20), 'the follower of the old boot'), 3);
    const lines = parse(follower);
    const actorId = lines.find(({ event, source }) => event === 'SequenceEvent' && source === 'reset')?.actorId;
    t.match(actorId, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    const steps = lines.filter((line) => line.actorId === actorId).map(short);
    const expected = [
      'SequenceEvent reset START',
      'MachineStatusEvent RESETTING ready: false',
      'TaskEvent stopAllServices START',
      'TaskEvent stopAllServices STOP',
      'TaskEvent resetUserDisks START',
      'TaskEvent resetUserDisks STOP',
      'TaskEvent stopOtherServices START',
    ];
    t.same(
      steps.filter((step) => expected.includes(step)),
      expected,
      steps.join('\n'),
    );
    t.equal(
      (await readFile(file)).readUInt16LE(EXT4_MAGIC_AT),
      0,
      'the disk does not look like a file system any more',
    );
    const now = await past(osdListens, '--tail', '-1');
    t.equal(short(now[0] as Line), 'SequenceEvent boot START');
    t.not(now[0]?.id, boot[0]?.id, 'the events of another boot');
    const unseen = await past(osdListens, '--since', lines.at(-1)?.id ?? '');
    t.equal(unseen[0]?.id, now[0]?.id, 'whoever asks for what came after the old ones gets all of the new ones');
  });
});
