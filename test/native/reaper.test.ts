/** Orphans that are left to this process, as they are to PID 1. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { QUIET } from './collect.js';

const native = loadNative();
const ORPHANS = 1000;

native.process.startReaper({ subreaper: true });

/** State and parent of every process; those that end while we look are left out. */
function processTable(): { state: string; parent: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [state = '', parent] = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
      return [{ state, parent: Number(parent) }];
    } catch {
      return [];
    }
  });
}

/** Waits for something that no event tells. */
async function until(condition: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(5)) {
    if (condition()) return true;
  }
  return false;
}

t.test(`${ORPHANS} orphans are reaped and counted, and no status of our own gets lost among them`, async (t) => {
  const before = native.process.reaperStats();
  const script = `i=0; while [ $i -lt ${ORPHANS} ]; do ( : & ) ; i=$((i+1)); done; exit 9`;
  const maker = native.process.spawn({ ...QUIET, file: '/bin/sh', argv: ['sh', '-c', script] });
  let made = false;
  void maker.exited.then(() => {
    made = true;
  });
  let own = 0;
  while (!made) {
    const status = await native.process.spawn({ ...QUIET, file: '/bin/sh', argv: ['sh', '-c', 'exit 5'] }).exited;
    if (status.kind !== 'exited' || status.code !== 5) t.fail(JSON.stringify(status));
    own++;
  }
  t.same(await maker.exited, { kind: 'exited', code: 9 });
  t.ok(await until(() => native.process.reaperStats().orphansReaped - before.orphansReaped >= ORPHANS));
  const after = native.process.reaperStats();
  t.equal(after.orphansReaped - before.orphansReaped, ORPHANS, 'each counted once');
  t.equal(after.childrenReaped - before.childrenReaped, own + 1);
  t.equal(processTable().filter(({ state, parent }) => parent === process.pid && state === 'Z').length, 0, 'no zombie');
});

t.test('an orphan that outlives everything else we have', async (t) => {
  const before = native.process.reaperStats().orphansReaped;
  const script = '( sleep 0.3 & ) ; exit 0';
  await native.process.spawn({ ...QUIET, file: '/bin/sh', argv: ['sh', '-c', script] }).exited;
  t.ok(await until(() => native.process.reaperStats().orphansReaped === before + 1));
});

t.test('a child that has stopped is no child that has ended', async (t) => {
  const child = native.process.spawn({ ...QUIET, file: '/bin/sleep', argv: ['sleep', '100'] });
  child.kill('SIGSTOP');
  const stopped = () => readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') T ');
  t.ok(await until(stopped));
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  t.match(await child.exited, { kind: 'signaled', signal: 'SIGTERM' });
});
