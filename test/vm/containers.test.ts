/** Containers of a booted node: containerd under PID 1, a service that runs in a container, and what the API makes of both. */
import t from 'tap';
import { seconds } from '../helpers/deadline.js';
import { TestNode } from '../helpers/node.js';
import type { OsctlStream } from '../helpers/osctl.js';

t.setTimeout(seconds(230));

interface Row {
  id: string;
  image: string;
  pid: number;
  status: string;
}

interface ServiceView {
  id: string;
  state: string;
  health: string;
  lastMessage: string;
  events: { message: string }[];
}

const PATIENCE_MS = seconds(90);

t.test('containers', async (t) => {
  const node = await TestNode.create({ name: 'containers', layer: 'test' });
  t.teardown(() => node[Symbol.asyncDispose]());
  const { home } = node;
  const service = (id: string) => home.json<ServiceView>('service', id);
  const row = async (id: string) => (await home.json<Row[]>('ps')).find((each) => each.id === id);
  /** Waits for what PID 1 says of a service, on the console. */
  const told = async (id: string, what: string, after = 0) =>
    (await node.waitForConsole(new RegExp(`service ${id}: ${what}`), { after, timeoutMs: PATIENCE_MS })).text;
  const procFile = async (pid: number, name: string) => (await home.succeed(['read', `/proc/${pid}/${name}`])).stdout;
  const numbers = (stream: OsctlStream) => stream.lines.map(({ text }) => Number(/\d+/.exec(text)?.[0]));

  await t.test('containerd is started after the API, and answers', async (t) => {
    await told('containerd', 'Started with process id');
    const lines = node.console.lines.map(({ text }) => text);
    const at = (what: RegExp) => lines.findIndex((line) => what.test(line));
    t.ok(at(/service containerd: Starting/) > at(/phase osd-listening/), 'the API did not wait for it');
    const events = home.stream('events', '--tail', '-1');
    await events.until(PATIENCE_MS, 'containerd answers', (seen) =>
      seen.some(({ text }) => /on its socket/.test(text)),
    );
    await events.stop();
    t.match(await service('containerd'), { health: 'OK', lastMessage: /^containerd 1\.7\.\S+ answers on its socket$/ });

    const status = await procFile((await row('containerd'))?.pid ?? 0, 'status');
    t.match(status, /^NoNewPrivs:\t0$/m);
    // Without CAP_SYS_MODULE (16) and CAP_SYS_BOOT (22).
    const bounding = BigInt(`0x${/^CapBnd:\t([0-9a-f]+)$/m.exec(status)?.[1]}`);
    t.equal(bounding & ((1n << 16n) | (1n << 22n)), 0n);
    t.strictSame(await home.json('ps', '-k'), [], 'no pods');
  });

  let pid = 0;
  await t.test('a service in a container runs, with little that it may', async (t) => {
    await home.succeed(['service', 'boxed', 'start']);
    await told('boxed', 'Started with process id');
    const found = await row('boxed');
    t.match(found, { image: /^talos\.local\/boxed:v/, status: 'RUNNING' });
    pid = found?.pid ?? 0;
    const status = await procFile(pid, 'status');
    t.match(status, /^Uid:\t65533\t65533\t65533\t65533$/m);
    t.match(status, /^CapBnd:\t0{16}$/m);
    t.match(status, /^NoNewPrivs:\t1$/m);
    t.match(status, /^Seccomp:\t2$/m);
    t.equal(await procFile(pid, 'cgroup'), '0::/system/boxed\n');
    const mounts = await procFile(pid, 'mounts');
    t.match(mounts, /^\S+ \/ \S+ ro[, ]/m);
    t.match(mounts, /^\S+ \/usr\/lib\/talos-test squashfs ro,nosuid,nodev/m);
    t.equal((await home.succeed(['read', '/sys/fs/cgroup/system/boxed/memory.max'])).stdout, '16777216\n');
    const usage = await home.json<{ id: string; memoryUsage: number }[]>('stats');
    t.ok((usage.find(({ id }) => id === 'boxed')?.memoryUsage ?? 0) > 0);
  });

  await t.test('it outlives containerd and machined, and no line of its log is lost', async (t) => {
    const follow = home.stream('logs', '-f', '--tail', '0', 'boxed');
    await follow.until(PATIENCE_MS, 'a line', (lines) => lines.length > 0);
    for (const id of ['containerd', 'machined']) {
      const mark = node.consoleMark;
      await home.succeed(['service', id, 'restart']);
      await told(id, 'Started with process id', mark);
    }
    const { length } = follow.lines;
    await follow.until(PATIENCE_MS, 'more lines', (lines) => lines.length > length + 100);
    await follow.stop();
    const seen = numbers(follow);
    t.strictSame(
      seen,
      seen.map((_, index) => (seen[0] ?? 0) + index),
    );
    const mark = node.consoleMark;
    await told('boxed', `Runs with process id ${pid}`);
    t.equal((await row('boxed'))?.pid, pid, 'the same process');
    await home.succeed(['restart', 'boxed']);
    await told('boxed', 'Started with process id', mark);
    t.not((await row('boxed'))?.pid, pid, 'the next machined can restart it');
  });

  await t.test('what cannot be started says why, and nothing else is held up', async (t) => {
    await home.succeed(['service', 'boxed-broken', 'start']);
    t.match(await told('boxed-broken', 'Could not be run'), /there-is-no-such-program/);
    t.match(await service('boxed-broken'), { state: 'Failed' });
    t.equal((await row('boxed'))?.status, 'RUNNING');
    const unknown = await home.osctl(['restart', '-k', 'default/web']);
    t.equal(unknown.code, 1);
    t.match(unknown.stderr, 'no container "default/web" in k8s.io; there are none');
  });

  await t.test('one that takes too much memory ends as what it is', async (t) => {
    await home.succeed(['service', 'boxed-hog', 'start']);
    await told('boxed-hog', 'Ended: killed: out of memory');
    t.match(await service('boxed-hog'), { state: 'Failed' });
    t.match((await home.succeed(['service', 'boxed-hog'])).stdout, /killed: out of memory/, 'its events say why');
    t.equal((await row('boxed'))?.status, 'RUNNING');
  });

  await t.test('a service that exits at once is tried again, each time later', async (t) => {
    const mark = node.consoleMark;
    await home.succeed(['service', 'crasher', 'start']);
    const lastWords = 'crasher: found none, giving up';
    for (const delay of ['0.25', '0.5', '1', '2']) {
      const again = `service crasher: Ended: exit code 1, last line: ${lastWords}; starting again in ${delay} s`;
      await node.waitForConsole(new RegExp(again.replaceAll('.', '\\.')), { after: mark });
    }
    const shown = await home.succeed(['service', 'crasher']);
    t.match(shown.stdout, lastWords, 'its last line is part of its state');
    const { stdout } = await home.succeed(['logs', 'crasher']);
    const runs = stdout.split('\n').filter((text) => text === lastWords).length;
    t.ok(runs >= 4, `${runs} runs are in its log`);
    await home.succeed(['service', 'crasher', 'stop']);
    t.match(await service('crasher'), { state: 'Finished' });
  });

  await t.test('on the way down containers end first', async (t) => {
    const after = node.consoleMark;
    await home.succeed(['shutdown'], PATIENCE_MS);
    t.ok(await node.waitForConsole(/exit: stop containers done in \d+ ms/, { after }));
    t.ok(await node.waitForConsole(/exit: end processes done in \d+ ms/, { after }));
    const tail = node.console.lines.slice(after).map(({ text }) => text);
    t.notOk(
      tail.some((text) => /are left after SIGTERM|still mounted/.test(text)),
      'neither shims nor mounts are left',
    );
  });
});
