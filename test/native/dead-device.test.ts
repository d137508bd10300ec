/** Disks that do not answer: every call gives up at its deadline, and neither JavaScript nor Node's pool waits for them. */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { loadNative } from '../../lib/native/index.js';
import { mountDead } from './dead-mount.js';
import { inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { block, mount } = loadNative();
const SOON = { timeoutMs: 30 };
const LINUX_DATA = '0fc63daf-8483-4772-8e79-3d69d8477de4';

const calls: Record<string, (disk: string) => Promise<unknown>> = {
  info: (disk) => block.info(disk, SOON),
  inspect: (disk) => block.inspect(disk, SOON),
  wipeSignatures: (disk) => block.wipeSignatures(disk, SOON),
  erase: (disk) => block.erase(disk, 'zero', 0, 512, SOON),
  flush: (disk) => block.flush(disk, SOON),
  openExclusively: (disk) => block.openExclusively(disk, SOON),
  readGpt: (disk) => block.readGpt(disk, SOON),
  createGpt: (disk) => block.createGpt(disk, { partitions: [{ typeGuid: LINUX_DATA, name: 'x' }] }, SOON),
  repairGpt: (disk) => block.repairGpt(disk, SOON),
  changeGpt: (disk) => block.changeGpt(disk, [{ number: 1, grows: true }], SOON),
  syncPartitions: (disk) => block.syncPartitions(disk, SOON),
};

/** Threads go on right behind what they waited for; there is nothing to wait for but the count itself. */
async function stuckComesTo(count: number): Promise<number> {
  const endMs = performance.now() + 20_000;
  while (mount.blockedCalls().stuck !== count && performance.now() < endMs) await new Promise(setImmediate);
  return mount.blockedCalls().stuck;
}

if (inNamespaces(import.meta.url, ['--mount'])) {
  t.test('every call gives up at its deadline', async (t) => {
    await block.inspect('/missing').catch(() => {});
    const before = openDescriptors();
    const { folder, close } = mountDead(mount);
    const disk = `${folder}/disk`;
    for (const [name, call] of Object.entries(calls)) {
      await t.rejects(
        call(disk),
        { code: 'ETIMEDOUT', errno: -110, syscall: /^[a-z]+$/, path: disk, stage: /in time/ },
        name,
      );
    }
    t.equal(mount.blockedCalls().stuck, Object.keys(calls).length, 'their threads are the kernel’s');
    t.ok((await readFile('/proc/self/stat')).length > 0, 'Node’s own pool is not touched');
    await t.rejects(block.inspect('/dev/null'), { code: 'ENOTBLK' }, 'another is answered');
    close();
    t.equal(await stuckComesTo(0), 0);
    t.equal(openDescriptors(), before);
  });

  t.test('what waits is told when the device goes', async (t) => {
    const { folder, close } = mountDead(mount);
    const disk = `${folder}/disk`;
    const waiting = Promise.allSettled([block.inspect(disk), block.wipeSignatures(disk), block.flush(disk)]);
    close();
    for (const each of await waiting) t.match(each, { status: 'rejected', reason: { syscall: 'open', path: disk } });
  });

  t.test('in two worker threads, one of which ends while it waits', async (t) => {
    const { folder, close } = mountDead(mount);
    const disk = `${folder}/disk`;
    const loader = new URL('../../lib/native/index.js', import.meta.url).href;
    const program = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(loader)}).then(async ({ loadNative }) => {
        const answer = loadNative().block.inspect(${JSON.stringify(disk)}).catch(({ code }) => code);
        parentPort.postMessage('waits');
        parentPort.postMessage(await answer);
      });`;
    const workers = [1, 2].map(() => {
      const worker = new Worker(program, { eval: true });
      const messages: unknown[] = [];
      const waits = new Promise((resolve) => worker.once('message', resolve));
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      worker.on('message', (message) => messages.push(message));
      return { worker, messages, waits, exit };
    });
    await Promise.all(workers.map(({ waits }) => waits));
    await workers[0]?.worker.terminate();
    close();
    await workers[1]?.exit;
    t.same(workers[0]?.messages, ['waits']);
    t.match(workers[1]?.messages, ['waits', /^E(NOTCONN|CONNABORTED)$/]);
    t.equal(await stuckComesTo(0), 0);
  });
}
