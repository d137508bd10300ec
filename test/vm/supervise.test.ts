/** PID 1 as a parent: services that are killed, processes that nobody waits for, and a pod that wants all memory. */
import t from 'tap';
import { MIB } from '../../lib/base/units.js';
import { reapsOrphans } from '../helpers/checks/reaping.js';
import { seconds } from '../helpers/deadline.js';
import { DAEMONS, initFacts, Killer, SHORT_BACK_OFF } from '../helpers/kills.js';
import { TestNode } from '../helpers/node.js';
import { serviceState } from '../helpers/services.js';

t.setTimeout(seconds(550));

/** Who is killed last, whatever pods take: their lowest is -997. A shim has one more than containerd, which starts it. */
const RANKS: readonly [args: RegExp, oomScoreAdj: number][] = [
  [/^\/sbin\/machined/, -999],
  [/^\/usr\/bin\/containerd /, -999],
  [/^\/usr\/bin\/containerd-shim-runc-v2 /, -998],
  [/^\/sbin\/(osd|networkd)/, -998],
  [/^\/usr\/sbin\/(trustd|proxyd|blockd)/, -998],
];
const KILLS = 2;
/** From its end to a successor that does its work. */
const BACK_MS = seconds(30);

/** At least so much of the executable is in memory once PID 1 runs; charged to the root, nothing would protect it. */
const PROGRAM_BYTES = 20 * MIB;

t.test('supervision on a booted node', async (t) => {
  const node = await TestNode.create({
    name: 'supervise',
    layer: 'test',
    memoryMiB: 1024,
    kernelArguments: SHORT_BACK_OFF,
  });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;

  await reapsOrphans(t, node);

  await t.test('every daemon is killed twice and comes back', async (t) => {
    using killer = new Killer(node);
    await killer.allWell();
    const before = await initFacts(home);
    for (const id of DAEMONS) {
      const times: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) times.push(await killer.killAndWait(id));
      const longest = Math.max(...times);
      t.ok(longest < BACK_MS, `${id} was back within ${(longest / 1000).toFixed(1)} s each time`);
      t.match(await serviceState(home, id), { state: 'Running' });
    }
    const after = await initFacts(home);
    t.equal(after.descriptors, before.descriptors, 'PID 1 has the descriptors that it had');
    t.equal(after.zombies, 0);
  });

  await t.test('a pod that takes all memory is ended, and nothing else', async (t) => {
    const programs = async () => {
      const all = await home.json<{ pid: number; args: string; command: string }[]>('processes');
      // Kernel threads have no arguments.
      return all.filter(({ args }) => args !== '').sort((one, other) => one.pid - other.pid);
    };
    const shown = (list: { pid: number; args: string }[]) => list.map(({ pid, args }) => `${pid} ${args}`);
    const kept = await home.succeed(['read', '/sys/fs/cgroup/init/memory.stat']);
    const fileBytes = Number(/^file (\d+)$/m.exec(kept.stdout)?.[1]);
    t.comment(`the group of PID 1 has ${(fileBytes / MIB).toFixed(1)} MiB of files`);
    t.ok(fileBytes > PROGRAM_BYTES, "pages of the program that was started first are charged to PID 1's group");
    const before = await programs();
    for (const [args, rank] of RANKS) {
      const found = before.filter((each) => args.test(each.args));
      t.ok(found.length > 0, `${args} runs`);
      for (const { pid } of found) {
        const { stdout } = await home.succeed(['read', `/proc/${pid}/oom_score_adj`]);
        t.equal(Number(stdout), rank, `rank of ${args}`);
      }
    }
    const after = node.consoleMark;
    await home.succeed(['service', 'pod-hog', 'start']);
    const options = { after, timeoutMs: seconds(120) };
    t.ok(await node.waitForConsole(/Out of memory: Killed process \d+ \(hog\) .* oom_score_adj:1000/, options));
    t.ok(await node.waitForConsole(/service pod-hog: Ended: exit code 137/, options));
    t.same(shown(await programs()), shown(before), 'all others are the processes that they were');
    const told = node.console.lines.slice(after).filter(({ text }) => /service \S+: /.test(text));
    t.same(
      told.filter(({ text }) => !/service pod-hog: /.test(text)),
      [],
      'and nothing has happened to any of them',
    );
    const { stdout } = await home.succeed(['dmesg']);
    t.match(stdout, /oom-kill:constraint=CONSTRAINT_NONE,.*task_memcg=\/kubepods\/besteffort\/pod-hog\/hog,task=hog,/);
  });
});
