/**
 * Question: is the mount table read and parsed natively at least 3 times as fast as in JavaScript?
 * Rival: node:fs and a parser that does no more than it must: one split a line, escapes decoded only where there are any.
 * What would change our mind: a ratio below 1.5 of the whole call; then a parser in JavaScript is simpler and good enough.
 *
 * The kernel writes the table anew for every reading, and that costs all contestants the same; 'reading alone' shows how much. So there are two
 * ratios: of the whole call, and of what each side adds to the reading.
 *
 * Each sample is a fresh process in a mount namespace of its own with 2,000 mounts (half of them bind mounts, every tenth with an escape in its name),
 * ten rounds that do not count, then the median of 50. Both results are compared field by field. Needs root.
 *
 * Usage: npm run bench -- mountinfo [--samples N] [--mounts N]; or test/guest run -- benchmarks/mountinfo.ts, which prints and does not store.
 */
import { deepStrictEqual } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorCode } from '../lib/base/errors.js';
import type { MountInfo } from '../lib/native/contract.js';
import { loadNative } from '../lib/native/index.js';
import { type Measurement, publish } from './lib/report.js';
import { quantile } from './lib/statistics.js';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '10' },
    mounts: { type: 'string', default: '2000' },
    case: { type: 'string' },
  },
});
const WARM_UP_ROUNDS = 10;
const ROUNDS = 50;
const TABLE = '/proc/self/mountinfo';
/** What is mounted there is seen by the sample's process only. */
const PLACE = '/mnt';

const NATIVE = 'native mountInfo()';
const RIVAL = 'node:fs and JavaScript';
const READING = 'reading alone';

const { mount } = loadNative();

function decode(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes = Buffer.from(
    text.replace(/\\([0-3][0-7]{2})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8))),
    'latin1',
  );
  return bytes.toString('utf8');
}

function parseInJavaScript(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    mounts.push({
      id: Number(fields[0]),
      parentId: Number(fields[1]),
      device: fields[2] as string,
      root: decode(fields[3] as string),
      mountPoint: decode(fields[4] as string),
      options: fields[5] as string,
      propagation: dash === 6 ? 'private' : fields.slice(6, dash).join(' '),
      fstype: decode(fields[dash + 1] as string),
      source: decode(fields[dash + 2] as string),
      superOptions: decode(fields.slice(dash + 3).join(' ')),
    });
  }
  return mounts;
}

const contestants: Record<string, () => { length: number }> = {
  [NATIVE]: () => mount.mountInfo(),
  [RIVAL]: () => parseInJavaScript(readFileSync(TABLE, 'utf8')),
  [READING]: () => readFileSync(TABLE),
};

function makeMounts(count: number): void {
  mount.mountSync({ source: 'tmpfs', target: PLACE, fstype: 'tmpfs', flags: [] });
  for (let number = 0; number < count; number++) {
    const target = join(PLACE, number % 10 === 0 ? `a name ${number}` : `container-${number}-rootfs`);
    mkdirSync(target);
    const isBind = number % 2 === 1;
    mount.mountSync({
      source: isBind ? '/proc/sys' : 'tmpfs',
      target,
      fstype: isBind ? '' : 'tmpfs',
      flags: isBind ? ['bind', 'ro'] : ['nosuid', 'nodev'],
      ...(!isBind && { data: 'size=64k,mode=755' }),
    });
  }
}

/** Runs in a process of its own; prints milliseconds. */
function sample(name: string): void {
  const round = contestants[name];
  if (round === undefined) throw new Error(`no such case: ${name}`);
  makeMounts(Number(values.mounts));
  const native = mount.mountInfo();
  deepStrictEqual(native, parseInJavaScript(readFileSync(TABLE, 'utf8')));
  if (native.length <= Number(values.mounts)) throw new Error('mounts are missing');
  const times: number[] = [];
  for (let number = 0; number < WARM_UP_ROUNDS + ROUNDS; number++) {
    const startedMs = performance.now();
    const { length } = round();
    if (number >= WARM_UP_ROUNDS) times.push(performance.now() - startedMs);
    if (length < native.length) throw new Error('wrong result');
  }
  times.sort((left, right) => left - right);
  process.stdout.write(`${quantile(times, 0.5)}\n`);
}

function run(name: string): number {
  const argv = [fileURLToPath(import.meta.url), '--case', name, '--mounts', values.mounts];
  // The test guest has no unshare(1), and is there for this alone.
  if (process.env['TEST_GUEST'] !== undefined) {
    const text = execFileSync(process.execPath, argv, { encoding: 'utf8' });
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--case', 'clean']);
    return Number(text);
  }
  return Number(execFileSync('unshare', ['--mount', process.execPath, ...argv], { encoding: 'utf8' }));
}

function medianOf(measurements: Measurement[], name: string): number {
  const samples = measurements.find((each) => each.name === name)?.samples ?? [];
  return quantile(
    [...samples].sort((left, right) => left - right),
    0.5,
  );
}

async function measure(): Promise<void> {
  const measurements: Measurement[] = Object.keys(contestants).map((name) => ({ name, unit: 'ms', samples: [] }));
  // In turn, so that whatever else the machine does meets all of them.
  for (let number = 0; number < Number(values.samples); number++) {
    for (const { name, samples } of measurements) samples.push(run(name));
  }
  const [native, rival, reading] = [NATIVE, RIVAL, READING].map((name) => medianOf(measurements, name)) as [
    number,
    number,
    number,
  ];
  const ratio = rival / native;
  const netRatio = (rival - reading) / (native - reading);
  try {
    await publish({
      benchmark: 'mountinfo',
      question: `milliseconds for a table of ${values.mounts} mounts`,
      parameters: { mounts: Number(values.mounts), rounds: ROUNDS, ratio, ratioWithoutReading: netRatio },
      measurements,
    });
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error;
    for (const { name } of measurements) {
      process.stdout.write(`${name}: median ${medianOf(measurements, name).toFixed(3)} ms\n`);
    }
  }
  process.stderr.write(`${ratio.toFixed(2)} times as fast; without the reading ${netRatio.toFixed(2)} times\n`);
}

if (values.case === undefined) await measure();
else if (values.case === 'clean') await mount.umount(PLACE, ['detach']);
else sample(values.case);
