/**
 * The reaper under everything that processes do to PID 1: tens of thousands of orphans of every kind, while each status of our own is
 * delivered once, while JavaScript does nothing, and while a child hangs in the kernel.
 */
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import t, { type Test } from 'tap';
import type { Child, SpawnOptions } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { QUIET, shell } from '../native/collect.js';

const native = loadNative();
const { process: processes, descriptor } = native;
/** In the guest's initramfs, from test/helpers/reaper/storm.cc. */
const STORM = '/bin/reaper-storm';
/** 50,000 in the long tier; in waves of 250 either way. */
const { values } = parseArgs({ options: { orphans: { type: 'string', default: '1000' } } });
const ORPHANS = Number(values.orphans);
/** Of test/helpers/reaper/storm.cc. */
const WAVE = 250;
const BLOCKED_MS = 10_000;
/**
 * From the last exit of a wave until nothing is left of it: 50 ms are promised, and benchmarks/reaper.ts measures that. An emulated guest
 * on a busy machine takes twice as long; what this bound finds is a reaper that sleeps or polls.
 */
const BOUND_MS = 500;

interface Report {
  orphans: number;
  zombies: number;
  lastMs: number;
  medianMs: number;
  worstMs: number;
  tookMs: number;
}

// The guest has a deadline of its own.
t.setTimeout(0);
processes.startReaper({ subreaper: true });

const spawnStorm = (argv: string[], options: Partial<SpawnOptions> = {}): Child =>
  processes.spawn({ ...QUIET, file: STORM, argv: ['reaper-storm', ...argv], ...options });

async function storm(count: number, mix: string): Promise<Report> {
  const { output, child } = await shell(native, '', {
    file: STORM,
    argv: ['reaper-storm', 'orphans', `${count}`, mix],
  });
  t.same(await child.exited, { kind: 'exited', code: 0 });
  return JSON.parse(output) as Report;
}

/** Every way a child of ours may end that can be asked for, in turn, until the storm is over; each must be told as it was. */
async function endInEveryWay(isOver: () => boolean): Promise<number> {
  const harmless = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
  const numbers = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
  for (const name of harmless) numbers.delete(constants.signals[name as NodeJS.Signals]);
  const ways = [
    ...Array.from({ length: 256 }, (_, code) => ({ argv: ['exit', `${code}`], status: { kind: 'exited', code } })),
    ...[...numbers.keys()].map((number) => ({ argv: ['signal', `${number}`], status: { kind: 'signaled', number } })),
  ];
  let told = 0;
  for (let round = 0; round === 0 || !isOver(); round++) {
    for (let start = 0; start < ways.length; start += 16) {
      const batch = ways.slice(start, start + 16);
      const statuses = await Promise.all(batch.map(({ argv }) => spawnStorm(argv).exited));
      for (const [position, { argv, status }] of batch.entries()) {
        const got = statuses[position];
        const shown =
          got?.kind === 'signaled'
            ? { kind: 'signaled', number: constants.signals[got.signal as NodeJS.Signals] }
            : got;
        if (JSON.stringify(shown) !== JSON.stringify(status)) t.fail(`${argv.join(' ')}: ${JSON.stringify(got)}`);
        told++;
      }
      if (round > 0 && isOver()) break;
    }
  }
  return told;
}

function check(t: Test, report: Report, atLeast: number): void {
  t.comment(JSON.stringify(report));
  t.ok(report.orphans >= atLeast);
  t.equal(report.zombies, 0);
  t.ok(report.medianMs <= BOUND_MS, `none is left ${report.medianMs} ms after the last exit of a wave`);
}

t.test('a storm of orphans of every kind, and every status of our own once', async (t) => {
  const before = processes.reaperStats();
  let isOver = false;
  const [report, told] = await Promise.all([
    storm(ORPHANS, 'all').finally(() => {
      isOver = true;
    }),
    endInEveryWay(() => isOver),
  ]);
  check(t, report, ORPHANS);
  const after = processes.reaperStats();
  t.comment(`${told} statuses of our own`);
  t.equal(after.orphansReaped - before.orphansReaped, report.orphans, 'each orphan counted once');
  t.equal(after.childrenReaped - before.childrenReaped, told + 1, 'each status delivered once');
});

t.test('reaping goes on while JavaScript does nothing', async (t) => {
  const before = processes.reaperStats();
  const running = storm(ORPHANS, 'plain');
  const clock = new Int32Array(new SharedArrayBuffer(4));
  // Not one turn of the event loop in all this time.
  Atomics.wait(clock, 0, 0, BLOCKED_MS);
  const meanwhile = processes.reaperStats().orphansReaped - before.orphansReaped;
  t.comment(`${meanwhile} reaped while blocked`);
  const report = await running;
  check(t, report, ORPHANS);
  t.ok(meanwhile >= WAVE, 'at least one wave was reaped meanwhile');
  t.equal(processes.reaperStats().orphansReaped - before.orphansReaped, report.orphans);
});

/** Reads until the process is in that state. */
async function untilState({ pid }: Child, wanted: string): Promise<void> {
  for (;;) {
    const { processes: all } = await processes.readTable({ commandLineBytes: 0 });
    if (all.find((each) => each.pid === pid)?.state === wanted) return;
  }
}

t.test('a child in uninterruptible sleep delays nobody', async (t) => {
  const folder = '/tmp/stalled';
  mkdirSync(folder);
  const [said, output] = descriptor.pipe();
  const server = spawnStorm(['fuse', folder], { stdout: output });
  output.close();
  const ring = native.ring.create({ name: 'fuse', sizeBytes: 65_536 });
  ring.attach(said, 'stdout');
  const linesAre = async (count: number) => {
    while (ring.stats.records < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await linesAre(1);
  const stuck = spawnStorm(['stat', `${folder}/anything`]);
  let hasEnded = false;
  void stuck.exited.then(() => {
    hasEnded = true;
  });
  await linesAre(2);
  // Asked for something that is never answered, it cannot even be killed.
  t.equal(stuck.kill('SIGKILL'), true);
  await untilState(stuck, 'D');

  const before = processes.reaperStats();
  const told = await endInEveryWay(() => true);
  const report = await storm(500, 'all');
  check(t, report, 500);
  t.equal(processes.reaperStats().childrenReaped - before.childrenReaped, told + 1);
  t.equal(hasEnded, false, 'all the while it hung');
  await untilState(stuck, 'D');

  // With its server the connection ends, and with it what the child was waiting for.
  server.kill('SIGKILL');
  t.match(await server.exited, { kind: 'signaled', signal: 'SIGKILL' });
  t.match(await stuck.exited, { kind: 'signaled', signal: 'SIGKILL' });
  await native.mount.umount(folder, ['detach']);
  ring.close();
});

t.test('the process table of a whole machine', async (t) => {
  const { processes: all, isComplete } = await processes.readTable({ cgroups: true });
  t.equal(isComplete, true);
  t.match(
    all.find(({ pid }) => pid === 2),
    { command: 'kthreadd', isKernelThread: true, parentPid: 0, executable: '', arguments: [] },
  );
  const threads = all.filter(({ isKernelThread }) => isKernelThread);
  t.ok(threads.length > 10 && threads.every(({ pid, parentPid }) => pid === 2 || parentPid === 2));
  t.match(
    all.find(({ pid }) => pid === 1),
    { isKernelThread: false, parentPid: 0, hasDetails: true },
  );
});
