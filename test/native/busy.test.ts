/** What becomes of things that wait or hold something when they are closed, forgotten, or their thread or process ends. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { type Busy, busy } from './busy.js';
import { QUIET, readAll } from './collect.js';
import { inNamespaces } from './in-namespaces.js';
import { membersOf, oddArguments } from './odd-values.js';
import { openDescriptors } from './open-descriptors.js';

const native = loadNative();
const DEADLINE_MS = 20_000;
const ROUNDS = 5;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Waits until as many descriptors are open as there were; those of finalizers and of calls under way close a little later. */
async function descriptorsComeBackTo(count: number): Promise<number> {
  const deadline = Date.now() + DEADLINE_MS;
  while (openDescriptors() > count && Date.now() < deadline) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return openDescriptors();
}

/** The first ones start the reactor, and open what stays open. */
async function warmUp() {
  for (const start of Object.values(busy)) {
    const work = start(native);
    work.close?.();
    await Promise.allSettled([work.pending]);
  }
  collect();
}

function worker(rounds: number): Worker {
  return new Worker(fileURLToPath(new URL('./busy-worker.js', import.meta.url)), { workerData: { rounds } });
}

/** Whatever it says is right, as long as it comes back. */
function callEverything(object: object): void {
  for (const member of membersOf(object, '')) {
    for (const args of oddArguments()) {
      try {
        const result = member.call(object, args);
        if (result instanceof Promise) result.catch(() => {});
      } catch {}
    }
  }
}

/** Runs a process of its own that exits with 8 while that is going on. Not by node:child_process: there is a reaper here. */
async function exitWhileBusy(name: string) {
  const modules = ['../../lib/native/index.js', './busy.js'].map((file) => new URL(file, import.meta.url).href);
  const script = `
    const [{ loadNative }, { busy }] = await Promise.all(${JSON.stringify(modules)}.map((file) => import(file)));
    globalThis.kept = busy[${JSON.stringify(name)}](loadNative());
    kept.pending?.catch(() => {});
    setTimeout(() => process.exit(8), 10);`;
  const [read, write] = native.descriptor.pipe();
  const argv = ['node', '--input-type=module', '-e', script];
  const child = native.process.spawn({ ...QUIET, file: process.execPath, argv, stderr: write });
  write.close();
  return { stderr: await readAll(native, read), status: await child.exited };
}

if (inNamespaces(import.meta.url, ['--mount', '--net'])) {
  t.before(warmUp);

  for (const [name, start] of Object.entries(busy)) {
    t.test(`${name}: closed while it waits`, async (t) => {
      const before = openDescriptors();
      for (let round = 0; round < ROUNDS; round++) {
        const work = start(native);
        work.close?.();
        work.close?.();
        const [outcome] = await Promise.allSettled([work.pending]);
        t.ok(outcome.status === 'fulfilled' || outcome.reason instanceof Error, 'what waits ends');
      }
      t.equal(await descriptorsComeBackTo(before), before);
    });

    t.test(`${name}: every method after it is closed`, async (t) => {
      const before = openDescriptors();
      const work = start(native);
      work.close?.();
      await Promise.allSettled([work.pending]);
      for (const object of work.objects) callEverything(object);
      t.equal(await descriptorsComeBackTo(before), before);
    });

    t.test(`${name}: pending when the process exits`, async (t) => {
      t.same(await exitWhileBusy(name), { stderr: '', status: { kind: 'exited', code: 8 } });
    });
  }

  t.test('forgotten things are closed', async (t) => {
    const before = openDescriptors();
    (() => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const start of Object.values(busy)) {
          const work = start(native);
          if (!work.isCollectable) work.close?.();
          work.pending?.catch(() => {});
        }
      }
    })();
    t.equal(await descriptorsComeBackTo(before), before);
  });

  t.test('two workers at once that close what they opened', async (t) => {
    const before = openDescriptors();
    const workers = [worker(ROUNDS), worker(ROUNDS)];
    await Promise.all(workers.map((each) => once(each, 'message')));
    for (const each of workers) each.postMessage('close');
    t.same(await Promise.all(workers.map(async (each) => (await once(each, 'exit'))[0])), [0, 0]);
    t.equal(await descriptorsComeBackTo(before), before);
  });

  t.test('workers that are terminated while everything waits', async (t) => {
    const before = openDescriptors();
    for (let round = 0; round < 3; round++) {
      const workers = [worker(ROUNDS), worker(ROUNDS)];
      await Promise.all(workers.map((each) => once(each, 'message')));
      t.same(await Promise.all(workers.map((each) => each.terminate())), [1, 1]);
    }
    t.equal(await descriptorsComeBackTo(before), before, 'nothing of them is left open');
    const work: Busy[] = Object.values(busy).map((start) => start(native));
    for (const each of work) each.close?.();
    await Promise.allSettled(work.map((each) => each.pending));
    t.equal(await descriptorsComeBackTo(before), before, 'the main thread goes on');
  });
}
