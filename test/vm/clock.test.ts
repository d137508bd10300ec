/** A machine whose clock is a year off, to either side: certificates wait for it where they would be worth nothing, and are made anew where they were. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseDocument } from 'yaml';
import { MINUTE_MS, YEAR_MS } from '../../lib/base/units.js';
import { readConfigDisk } from '../helpers/credentials.js';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import type { Machine } from '../helpers/power-cut.js';
import { serveTime } from '../helpers/time-server.js';

t.setTimeout(seconds(300));

/** Until the containers run that came with the boot, too. */
const PATIENCE_MS = seconds(120);

/** The hardware's clock starts at this time, in UTC, and the guest reaches this machine, as 10.0.2.2: others of the tests must not. */
function withClock({ argv, folder }: Machine, timeMs: number): Machine {
  const connected = argv.map((word) => word.replace('restrict=on', 'restrict=off'));
  return { argv: [...connected, '-rtc', `base=${new Date(timeMs).toISOString().slice(0, 19)}`], folder };
}

t.test('a clock that is a year off', async (t) => {
  // As the guest sees it: 10.0.2.2, port 123.
  const server = await serveTime('127.0.0.1');
  t.teardown(() => server.close());
  const node = await TestNode.create({ name: 'clock', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const nodeMs = async () => {
    const [time] = await home.json<{ nodeTime: string }[]>('time');
    return Date.parse(time?.nodeTime ?? '');
  };

  await t.test('the config has a time server, and the clock follows it', async () => {
    const document = parseDocument(await readConfigDisk(node.state.configDisk));
    document.setIn(['machine', 'time'], document.createNode({ servers: ['10.0.2.2'] }));
    const file = join(home.folder, 'time.yaml');
    await writeFile(file, document.toString());
    await home.succeed(['apply-config', '-f', file]);
  });
  let plain: Machine | undefined;

  await t.test('behind: certificates wait, and the API comes up with the right time', async (t) => {
    const mark = await node.cutPower((found) => {
      plain = found;
      return withClock(found, Date.now() - YEAR_MS);
    });
    await node.waitForApi(mark);
    const lines = node.console.lines.slice(mark).map(({ text }) => text);
    const at = (what: RegExp) => lines.findIndex((line) => what.test(line));
    t.ok(at(/certificates wait for a time server/) >= 0, 'the console says why it takes longer');
    t.ok(at(/the clock was set forward by 315\d{5}\.?\d* s, as 10\.0\.2\.2 says/) >= 0);
    t.ok(at(/phase osd-listening/) > at(/the clock was set forward/), 'no certificate before');
    await home.succeed(['version']);
    t.ok(Math.abs((await nodeMs()) - Date.now()) < MINUTE_MS);
  });

  await t.test('ahead: the certificate that was made too late is replaced', async (t) => {
    const mark = await node.cutPower(() => withClock(plain as Machine, Date.now() + YEAR_MS));
    await node.waitForConsole(/the clock was set back by 315\d{5}\.?\d* s, as 10\.0\.2\.2 says/, { after: mark });
    await node.waitForApi(mark);
    // With a certificate that is not valid yet nobody would listen to it.
    await home.succeed(['health', '--wait-timeout', `${PATIENCE_MS / 1000}s`], 2 * PATIENCE_MS);
    t.ok(Math.abs((await nodeMs()) - Date.now()) < MINUTE_MS);
  });
});
