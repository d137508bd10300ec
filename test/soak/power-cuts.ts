/**
 * The power goes during a first boot, at moments all over the making of STATE and EPHEMERAL, and the next boot leads to a working node:
 * `node out/js/test/soak/power-cuts.js [COUNT] [MINUTES]`. Whatever number of cuts there is time for, they are spread over all of it.
 */
import { truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MINUTE_MS } from '../../lib/base/units.js';
import { TestNode } from '../helpers/node.js';
import { cutPower, machineOf } from '../helpers/power-cut.js';

const DEFAULT_COUNT = 40;
const DEFAULT_MINUTES = 60;
const API = /phase osd-listening/;
const MOUNTED = /EXT4-fs \(vdb2\): mounted/;
/** Where the boot was when the power went. */
const STEPS: readonly [step: string, pattern: RegExp][] = [
  ['the table', / vdb: vdb1 vdb2/],
  ['all made', /STATE and EPHEMERAL were made on/],
  ['mounted', MOUNTED],
];
/** Behind the last step, so that the moments go over its end. */
const MARGIN = 1.2;
/** Multiples of it, without their whole part, leave no gap anywhere however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

const count = Number(process.argv[2] ?? DEFAULT_COUNT);
const endMs = performance.now() + Number(process.argv[3] ?? DEFAULT_MINUTES) * MINUTE_MS;

await using node = await TestNode.create({ name: 'power-cuts' });
const { systemDisk = '', diskBytes = 0 } = node.state;
const machine = machineOf(node.state);

/** A first boot up to the moment from which on the disk may be written to. @returns the place of its first line on the console */
async function firstBoot(): Promise<number> {
  await cutPower(node.state);
  // An empty disk, of the same size.
  await truncate(systemDisk, 0);
  await truncate(systemDisk, diskBytes);
  const first = await node.startAgain(machine);
  await node.waitForConsole(API, { after: first });
  return first;
}

// The lines of the boot by `create` were all read at once.
const whole = await firstBoot();
const startMs = performance.now();
const takesMs = (await node.waitForConsole(MOUNTED, { after: whole })).seenAtMs - startMs;
console.log(`STATE and EPHEMERAL were made and mounted within ${takesMs.toFixed(0)} ms after the API was there`);

let done = 0;
for (; done < count && performance.now() < endMs; done++) {
  const first = await firstBoot();
  const afterMs = takesMs * MARGIN * ((done * GOLDEN) % 1);
  await delay(afterMs);
  const mark = await node.cutPower();
  const lines = node.console.lines.slice(first, mark).map(({ text }) => text);
  const reached = STEPS.findLast(([, pattern]) => lines.some((text) => pattern.test(text)))?.[0] ?? 'nothing';
  await node.waitForConsole(MOUNTED, { after: mark });
  await node.waitForApi(mark);
  const { stdout } = await node.home.succeed(['read', '/proc/1/mounts']);
  const isWhole = /^\/dev\/vdb1 \/system\/state ext4 rw,/m.test(stdout) && /^\/dev\/vdb2 \/var ext4 rw,/m.test(stdout);
  const outcome = isWhole ? 'a working node' : 'NOT WHOLE';
  console.log(`${done + 1} of ${count}: ${outcome} after a cut ${afterMs.toFixed(0)} ms behind the API (${reached})`);
  if (!isWhole) process.exitCode = 1;
}
console.log(`${done} cuts`);
