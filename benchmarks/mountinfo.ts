/**
 * Question: is the mount table read and parsed natively faster than in JavaScript, and does it add less than a third to the kernel's part?
 * Rival: node:fs and a parser that does no more than it must: one split a line, escapes decoded only where there are any.
 * What would change our mind: a ratio below 1.1 of the whole call; then a parser in JavaScript is simpler and good enough.
 *
 * The kernel writes the table anew for every reading, and that costs all contestants the same; 'reading alone' shows how much. So there is the
 * ratio of the whole call, and what each side adds to that.
 *
 * Each sample is a fresh process in a mount namespace of its own with 2,000 mounts (half of them bind mounts, every tenth with an escape in its name),
 * ten rounds that do not count, then 50: their median, and the CPU time of one. Both results are compared field by field. Needs root.
 * The ratio is that of CPU time, which other work on the machine changes least.
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
import { countOf } from './lib/count-of.js';
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

/** Runs in a process of its own; prints milliseconds of a clock and of a processor. */
function sample(name: string): void {
  const round = contestants[name];
  if (round === undefined) throw new Error(`no such case: ${name}`);
  makeMounts(countOf('mounts', values.mounts));
  const native = mount.mountInfo();
  deepStrictEqual(native, parseInJavaScript(readFileSync(TABLE, 'utf8')));
  if (native.length <= countOf('mounts', values.mounts)) throw new Error('mounts are missing');
  const times: number[] = [];
  let cpuBefore = process.cpuUsage();
  for (let number = 0; number < WARM_UP_ROUNDS + ROUNDS; number++) {
    if (number === WARM_UP_ROUNDS) cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const { length } = round();
    if (number >= WARM_UP_ROUNDS) times.push(performance.now() - startedMs);
    if (length < native.length) throw new Error('wrong result');
  }
  const cpu = process.cpuUsage(cpuBefore);
  times.sort((left, right) => left - right);
  process.stdout.write(`${quantile(times, 0.5)} ${(cpu.user + cpu.system) / 1000 / ROUNDS}\n`);
}

function run(name: string): [wallMs: number, cpuMs: number] {
  const argv = [fileURLToPath(import.meta.url), '--case', name, '--mounts', values.mounts];
  // The test guest has no unshare(1), and is there for this alone.
  if (process.env['TEST_GUEST'] !== undefined) {
    const text = execFileSync(process.execPath, argv, { encoding: 'utf8' });
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--case', 'clean']);
    return toNumbers(text);
  }
  return toNumbers(execFileSync('unshare', ['--mount', process.execPath, ...argv], { encoding: 'utf8' }));
}

function toNumbers(text: string): [wallMs: number, cpuMs: number] {
  return text.split(' ').map(Number) as [number, number];
}

const cpuOf = (name: string) => `${name}, CPU`;

function medianOf(measurements: Measurement[], name: string): number {
  const samples = measurements.find((each) => each.name === name)?.samples ?? [];
  return quantile(
    [...samples].sort((left, right) => left - right),
    0.5,
  );
}

async function measure(): Promise<void> {
  const names = Object.keys(contestants);
  const measurements: Measurement[] = [...names, ...names.map(cpuOf)].map((name) => ({
    name,
    unit: 'ms',
    samples: [],
  }));
  const samplesOf = (name: string) => measurements.find((each) => each.name === name)?.samples;
  // In turn, so that whatever else the machine does meets all of them.
  for (let number = 0; number < countOf('samples', values.samples); number++) {
    for (const name of names) {
      const [wallMs, cpuMs] = run(name);
      samplesOf(name)?.push(wallMs);
      samplesOf(cpuOf(name))?.push(cpuMs);
    }
  }
  const [native, rival, reading] = [NATIVE, RIVAL, READING].map((name) => medianOf(measurements, cpuOf(name))) as [
    number,
    number,
    number,
  ];
  const ratio = rival / native;
  const [addedNativeMs, addedRivalMs] = [native - reading, rival - reading];
  try {
    await publish({
      benchmark: 'mountinfo',
      question: `milliseconds for a table of ${values.mounts} mounts`,
      parameters: { mounts: countOf('mounts', values.mounts), rounds: ROUNDS, ratio, addedNativeMs, addedRivalMs },
      measurements,
    });
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error;
    for (const { name } of measurements) {
      process.stdout.write(`${name}: median ${medianOf(measurements, name).toFixed(3)} ms\n`);
    }
  }
  // Not as a ratio: our reading costs less than node:fs's, so what we add can be nothing, or less.
  const added = `${addedNativeMs.toFixed(3)} ms against ${addedRivalMs.toFixed(3)} ms`;
  process.stderr.write(`${ratio.toFixed(2)} times as fast; added to node:fs's reading alone: ${added}\n`);
}

if (values.case === undefined) await measure();
else if (values.case === 'clean') await mount.umount(PLACE, ['detach']);
else sample(values.case);
