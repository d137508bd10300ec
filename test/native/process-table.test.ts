/** The process table against what is known to be there. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { ProcessInfo } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { QUIET, shell } from './collect.js';
import { openDescriptors } from './open-descriptors.js';

const native = loadNative();
const { process: processes, descriptor } = native;
processes.startReaper({ subreaper: false });

async function find(pid: number, options = {}): Promise<ProcessInfo | undefined> {
  const { processes: all } = await processes.readTable(options);
  return all.find((each) => each.pid === pid);
}

t.test('ourselves', async (t) => {
  const before = openDescriptors();
  const { processes: all, isComplete } = await processes.readTable({ cgroups: true });
  t.equal(isComplete, true);
  t.same(
    all.map(({ pid }) => pid),
    all.map(({ pid }) => pid).sort((left, right) => left - right),
  );
  const self = all.find(({ pid }) => pid === process.pid);
  t.match(self, {
    parentPid: process.ppid,
    executable: process.execPath,
    isKernelThread: false,
    isCommandLineCut: false,
    hasDetails: true,
  });
  t.same(self?.arguments, readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1));
  t.ok(self && self.threads > 1 && self.residentBytes > 10e6 && self.virtualBytes > self.residentBytes);
  t.ok(self && self.cpuTimeMs > 0 && self.cpuTimeMs < 60_000 && self.startedMs > 0);
  const group = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
  t.equal(self?.cgroupPath, group);
  t.equal((await find(process.pid))?.cgroupPath, '', 'only when asked for');
  t.equal(openDescriptors(), before);
});

t.test('kernel threads', async (t) => {
  // Where we do not see the whole machine there may be none; then nobody may pass for one.
  const { processes: all } = await processes.readTable();
  const threads = all.filter(({ isKernelThread }) => isKernelThread);
  t.equal(threads.length, all.filter(({ pid, parentPid }) => (pid === 2 ? parentPid === 0 : parentPid === 2)).length);
  for (const thread of threads.slice(0, 20)) {
    t.match(thread, { executable: '', arguments: [], residentBytes: 0, hasDetails: true });
    t.not(thread.command, '');
  }
});

/** Reads the table until a process is in it; events do not tell when that is. */
async function until(condition: (process: ProcessInfo) => boolean): Promise<ProcessInfo | undefined> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const found = (await processes.readTable()).processes.find(condition);
    if (found) return found;
  }
  return undefined;
}

t.test('a zombie', async (t) => {
  // Nobody waits for it: the shell that started it has become a sleep.
  const parent = processes.spawn({ ...QUIET, file: '/bin/sh', argv: ['sh', '-c', 'sh -c "exit 3" & exec sleep 100'] });
  const zombie = await until(({ parentPid, state }) => parentPid === parent.pid && state === 'Z');
  t.match(zombie, { arguments: [], executable: '', virtualBytes: 0, hasDetails: true });
  parent.kill('SIGKILL');
  await parent.exited;
});

t.test('names and arguments that look like something else', async (t) => {
  const script = `require('fs').writeFileSync('/proc/self/comm', 'a) R 1 (b\\n '); setInterval(() => {}, 1e6)`;
  const named = processes.spawn({ ...QUIET, file: process.execPath, argv: ['node', '-e', script] });
  const found = await until(({ command }) => command === 'a) R 1 (b\n ');
  t.match(found, { pid: named.pid, parentPid: process.pid });

  const sleeper = processes.spawn({ ...QUIET, file: '/bin/sleep', argv: ['my sleep', '100', '0', '0'] });
  const long = 'x'.repeat(20_000);
  const talker = processes.spawn({
    ...QUIET,
    file: '/bin/sh',
    argv: ['sh', '-c', 'kill -STOP $$', 'a b', '', 'ünï\n', long],
  });
  t.same((await find(sleeper.pid))?.arguments, ['my sleep', '100', '0', '0']);
  t.match(await find(talker.pid), {
    isCommandLineCut: true,
    arguments: ['sh', '-c', 'kill -STOP $$', 'a b', '', 'ünï\n', /^x+$/],
  });
  t.equal((await find(talker.pid, { commandLineBytes: 65_536 }))?.arguments.at(-1), long);
  t.match(await find(talker.pid, { commandLineBytes: 0 }), { arguments: [], executable: '', isCommandLineCut: false });
  t.match(await find(talker.pid, { commandLineBytes: 2 }), { arguments: ['sh'], isCommandLineCut: true });
  for (const each of [named, sleeper, talker]) {
    each.kill('SIGKILL');
    await each.exited;
  }
  t.equal(await find(sleeper.pid), undefined, 'what is gone is left out');
});

t.test('several at once, while processes come and go', async (t) => {
  let busy = true;
  const storm = (async () => {
    while (busy) await processes.spawn({ ...QUIET, file: '/bin/true' }).exited;
  })();
  for (let round = 0; round < 10; round++) {
    const tables = await Promise.all([processes.readTable(), processes.readTable(), processes.readTable()]);
    for (const table of tables) {
      t.equal(table.isComplete, true);
      t.equal(table.processes.filter(({ pid }) => pid === process.pid).length, 1);
    }
  }
  busy = false;
  await storm;
});

t.test('without descriptors it is an error with code and path', async (t) => {
  const index = new URL('../../lib/native/index.js', import.meta.url).href;
  const program = `const { loadNative } = await import(${JSON.stringify(index)});
    const native = loadNative();
const { process: processes, descriptor } = native;
    await processes.readTable();
    const held = [];
    try { for (;;) held.push(descriptor.open('/dev/null', 'r')); } catch {}
    console.log(await processes.readTable().then(() => 'read', ({ code, syscall, path }) => [code, syscall, path].join(' ')));`;
  const argv = ['sh', '-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { output } = await shell(native, '', { argv });
  t.equal(output, 'EMFILE open /proc\n');
});

t.test('wrong arguments', async (t) => {
  const closed = descriptor.open('/dev/null', 'r');
  closed.close();
  for (const options of [
    null,
    5,
    { cgroups: 1 },
    { commandLineBytes: -1 },
    { commandLineBytes: 65_537 },
    { deadlineMs: 1.5 },
  ]) {
    await t.rejects(processes.readTable(options as never), { name: 'TypeError', code: /^ERR_INVALID_ARG/ });
  }
});

t.test('in two worker threads, which end while they read', async (t) => {
  const index = new URL('../../lib/native/index.js', import.meta.url).href;
  const program = `import(${JSON.stringify(index)}).then(async ({ loadNative }) => {
    const { process: processes } = loadNative();
    for (let round = 0; ; round++) {
      const table = await processes.readTable();
      const found = table.processes.some(({ pid }) => pid === process.pid);
      if (round === 2) require('node:worker_threads').parentPort.postMessage(found);
    }
  });`;
  const workers = [1, 2].map(() => new Worker(program, { eval: true }));
  const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
  t.same(answers, [[true], [true]]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  t.ok(await find(process.pid), 'the others go on');
});

t.test('no time for details: everything is there, without them', async (t) => {
  const { processes: all, isComplete } = await processes.readTable({ deadlineMs: 0 });
  const self = all.find(({ pid }) => pid === process.pid);
  t.ok(self && self.residentBytes > 0 && self.parentPid === process.ppid);
  if (!isComplete) t.ok(all.some(({ hasDetails }) => !hasDetails));
});

t.test('exit while it is being read', async (t) => {
  const index = new URL('../../lib/native/index.js', import.meta.url).href;
  const program = `const { loadNative } = await import(${JSON.stringify(index)});
    void loadNative().process.readTable(); process.exit(4);`;
  const argv = ['node', '--input-type=module', '-e', program];
  t.same(await processes.spawn({ ...QUIET, file: process.execPath, argv }).exited, { kind: 'exited', code: 4 });
});
