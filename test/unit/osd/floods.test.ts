/** osd, in a process of its own and confined, under floods: others are answered within a second, its memory stays bounded, it stays alive. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { MIB } from '../../../lib/base/units.js';
import type { FloodOrder } from '../../helpers/flood/flood-process.js';
import { FLOODS } from '../../helpers/flood/floods.js';
import { OsdNode } from './support/osd-node.js';
import type { ApiClient } from './support/rig.js';
import { spawnLikeOsd } from './support/spawn-like-osd.js';

t.setTimeout(300_000);
const SECONDS = Number(process.env.FLOOD_SECONDS ?? 1);
/** Beside the time for which a busy machine kept the processes from running. */
const MAX_ANSWER_MS = 1000;
/** Of the 384 MiB of its cgroup. */
const MAX_MEMORY = 256 * MIB;

/** Resident memory of its own: the ring of a log is mapped by each of its readers, and would be counted as often. */
function memoryOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Seconds of processor time. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Milliseconds for which the main thread was ready to run and did not. */
function heldUpMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** Calls again and again until it is told to stop: the longest answer. */
function watch(client: ApiClient, pid: number) {
  let isOver = false;
  const seen = { worstMs: 0, worstOwnMs: 0, answers: 0, maxMemory: 0 };
  const done = (async () => {
    while (!isOver) {
      const held = () => heldUpMs(pid) + heldUpMs(process.pid);
      const [startedMs, heldBefore] = [performance.now(), held()];
      await client.unary('Version', {});
      const tookMs = performance.now() - startedMs;
      seen.worstMs = Math.max(seen.worstMs, tookMs);
      seen.worstOwnMs = Math.max(seen.worstOwnMs, tookMs - (held() - heldBefore));
      seen.answers += 1;
      seen.maxMemory = Math.max(seen.maxMemory, memoryOf(pid));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    isOver = true;
    await done;
    return seen;
  };
}

t.test('floods', async (t) => {
  const node = await OsdNode.start();
  t.teardown(() => node.child.kill('SIGKILL'));
  node.hasConfig = true;
  node.ring.write(`${'x'.repeat(1000)}\n`.repeat(900));
  const victim = await node.client(['os:reader']);
  await victim.unary('Version', {});
  const attacker = await node.authority.client(['os:operator']);
  const target = {
    host: '127.0.0.1',
    port: node.port,
    ca: node.authority.certificate,
    ...attacker,
    localAddress: '127.0.0.9',
  };
  for (const name of process.env.FLOOD?.split(',') ?? [...Object.keys(FLOODS), 'attempts']) {
    await t.test(name, async (t) => {
      const cpuBefore = cpuOf(node.child.pid);
      const stop = watch(victim, node.child.pid);
      const order: FloodOrder = { name, seconds: SECONDS, target };
      const { child, output } = spawnLikeOsd('../../../helpers/flood/flood-process.js', {
        argv: [JSON.stringify(order)],
        wrapper: [],
      });
      t.same(await child.exited, { kind: 'exited', code: 0 }, output());
      const { worstMs, worstOwnMs, answers, maxMemory } = await stop();
      const { opened, closed, sentBytes } = JSON.parse(output());
      t.comment(
        `osd ${(cpuOf(node.child.pid) - cpuBefore).toFixed(2)} s of CPU; ${opened} connections, ${closed} cut, ${(sentBytes / MIB).toFixed(1)} MiB sent; ${answers} answers to another, worst ${worstMs.toFixed(0)} ms, ${worstOwnMs.toFixed(0)} of its own; memory ${(maxMemory / MIB).toFixed(0)} MiB`,
      );
      t.ok(opened > 0, 'it came through to the server');
      t.ok(worstOwnMs < MAX_ANSWER_MS, `another client was answered within ${worstOwnMs.toFixed(0)} ms of its own`);
      t.ok(maxMemory < MAX_MEMORY, `at most ${(maxMemory / MIB).toFixed(0)} MiB`);
      const again = await node.client(['os:reader']);
      t.ok(await again.unary('Version', {}), 'a new client comes in');
      again.grpc.close();
    });
  }
  victim.grpc.close();
  node.child.kill('SIGTERM');
  t.same(await node.child.exited, { kind: 'exited', code: 0 }, 'it was never restarted, and ends in order');
});
