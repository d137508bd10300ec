/** What may befall EPHEMERAL: it is full, the database of containerd is damaged, and it is wiped. Nothing of it costs the node its API. */
import t from 'tap';
import { MIB } from '../../lib/base/units.js';
import { waitForExit } from '../../lib/cluster/process-identity.js';
import { seconds } from '../helpers/deadline.js';
import { changeFile } from '../helpers/disk-file.js';
import { TestNode } from '../helpers/node.js';
import { machineOf } from '../helpers/power-cut.js';

t.setTimeout(seconds(420));

const PATIENCE_MS = seconds(90);
/** Behind the first table and STATE. */
const EPHEMERAL_OFFSET_BYTES = 101 * MIB;
const DATABASE = '/lib/containerd/io.containerd.metadata.v1.bolt/meta.db';
const PAGE_BYTES = 4096;

t.test('EPHEMERAL', async (t) => {
  const node = await TestNode.create({ name: 'ephemeral', layer: 'test', flags: ['--disk-size', '2GiB'] });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const service = (id: string) => home.json<{ state: string; health: string; lastMessage: string }>('service', id);
  const told = (id: string, what: string, after: number) =>
    node.waitForConsole(new RegExp(`service ${id}: ${what}`), { after, timeoutMs: PATIENCE_MS });
  const start = async (id: string) => {
    const mark = node.consoleMark;
    await home.succeed(['service', id, 'start']);
    return mark;
  };
  /** Services in containers are known then, and can be started. */
  const containerdAnswers = async () => {
    const events = home.stream('events', '--tail', '-1');
    await events.until(PATIENCE_MS, 'containerd answers', (seen) =>
      seen.some(({ text }) => /on its socket/.test(text)),
    );
    await events.stop();
  };
  const available = async () => {
    const mounts = await home.json<{ mountedOn: string; available: number }[]>('mounts');
    return mounts.find(({ mountedOn }) => mountedOn === '/var')?.available ?? Number.NaN;
  };

  await t.test('full: the API answers and says so; what fails is a service', async (t) => {
    await containerdAnswers();
    await told('boxed', 'Started with process id', await start('boxed'));
    const mark = await start('filler-fill');
    await node.waitForConsole(/EPHEMERAL is full: 0 of \d+ MiB/, { after: mark });
    t.equal(await available(), 0);
    t.match(await service('machined'), { state: 'Running', health: 'Fail', lastMessage: /^EPHEMERAL is full/ });
    const health = await home.osctl(['health', '--wait-timeout', '0s']);
    t.equal(health.code, 1);
    t.match(`${health.stdout}${health.stderr}`, /EPHEMERAL is full/);
    const restart = node.consoleMark;
    await home.succeed(['service', 'containerd', 'restart']);
    await told('containerd', 'Started with process id', restart);
    for (const id of ['osd', 'machined', 'networkd']) t.match(await service(id), { state: 'Running' });
    // A config is kept in STATE, which has room.
    await home.succeed(['version']);
  });

  await t.test('room again: all is well without a reboot', async (t) => {
    const mark = await start('filler-empty');
    await node.waitForConsole(/EPHEMERAL has room again: \d+ of \d+ MiB/, { after: mark });
    await home.succeed(['health', '--wait-timeout', '60s'], PATIENCE_MS);
    t.match(await service('machined'), { health: 'OK' });
    const again = node.consoleMark;
    await home.succeed(['restart', 'boxed']);
    await told('boxed', 'Started with process id', again);
  });

  await t.test('a damaged database of containerd is set aside, and containers run', async (t) => {
    const machine = machineOf(node.state);
    await home.succeed(['shutdown'], PATIENCE_MS);
    await waitForExit(node.state.process, PATIENCE_MS);
    const partition = { image: node.state.systemDisk as string, offsetBytes: EPHEMERAL_OFFSET_BYTES };
    // As after a disk that lost its writes: the first pages tell of others, which are not what they say.
    await changeFile(partition, DATABASE, (contents) => Buffer.from(contents).fill(0xff, 2 * PAGE_BYTES));
    const mark = await node.startAgain(machine);
    await node.waitForApi(mark);
    await node.waitForConsole(/containerd has ended 4 times at its start.*it is tried with an empty folder/, {
      after: mark,
      timeoutMs: PATIENCE_MS,
    });
    await node.waitForConsole(/containerd could not start with its folder, and does without/, { after: mark });
    t.match((await home.succeed(['ls', '/var/lib'])).stdout, /containerd\.set-aside/);
    await told('boxed', 'Started with process id', await start('boxed'));
  });

  await t.test('a reset wipes the disk of the node itself, and both are made anew', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['reset', '--reboot', '--yes'], seconds(150));
    await node.waitForConsole(/STATE on \/dev\/vdb was wiped/, { after: mark });
    await node.waitForConsole(/EPHEMERAL on \/dev\/vdb was wiped/, { after: mark });
    await node.waitForConsole(/STATE and EPHEMERAL were made on \/dev\/vdb/, { after: mark });
    await containerdAnswers();
    t.notMatch((await home.succeed(['ls', '/var/lib'])).stdout, /set-aside/, 'nothing of before is there');
    await told('boxed', 'Started with process id', await start('boxed'));
  });
});
