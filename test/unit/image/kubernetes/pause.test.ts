// The first process of a pod: stays until it is told to end, and leaves no zombies of what the pod's containers leave behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { hostArchitecture } from '../../../../lib/image/architecture.js';
import { compileStaticProgram } from '../../../../lib/image/compile.js';
import { checkout } from '../../../helpers/checkout.js';
import { within } from '../../../helpers/deadline.js';

const LIMIT_MS = 10_000;
const pause = path.join(t.testdir(), 'pause');
await compileStaticProgram(hostArchitecture(), [path.join(checkout, 'native/pause/pause.cc')], [], pause);

/** A shell that becomes the program after it has started something that ends; the line is that one's process id. */
async function started(t: Test, script: string): Promise<{ child: ChildProcess; orphan: string }> {
  const child = spawn('sh', ['-c', `exec 3<&0; ${script} & echo $!; exec "$0"`, pause], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [orphan] = await within(LIMIT_MS, 'the line of the shell', once(lines, 'line'));
  return { child, orphan: String(orphan) };
}

/** There is no event for a process that somebody else has reaped. */
async function reaped(id: string): Promise<void> {
  while (existsSync(`/proc/${id}`)) await setImmediate();
}

t.test('it reaps what ended before it began, and what ends later', async (t) => {
  const early = await started(t, 'true');
  await within(LIMIT_MS, 'the early one is reaped', reaped(early.orphan));
  // Reads what nobody writes: it ends when the pipe does.
  const late = await started(t, 'cat <&3 >/dev/null');
  t.ok(existsSync(`/proc/${late.orphan}`));
  late.child.stdin?.end();
  await within(LIMIT_MS, 'the late one is reaped', reaped(late.orphan));
  for (const { child } of [early, late]) t.same([child.exitCode, child.signalCode], [null, null], 'and goes on');
});

/** The program sleeps nowhere but where it waits for signals. */
async function waitsForSignals(id: string): Promise<void> {
  while (!/^Name:\tpause\n[\s\S]*^State:\tS/m.test(readFileSync(`/proc/${id}/status`, 'utf8'))) await setImmediate();
}

t.test('it ends in order when it is told to', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child } = await started(t, 'true');
    await within(LIMIT_MS, 'it waits', waitsForSignals(String(child.pid)));
    const ended = once(child, 'exit');
    child.kill(signal);
    t.same(await within(LIMIT_MS, `the end by ${signal}`, ended), [0, null]);
  }
});

t.test('it ends in order as the first process of a name space, where nothing is ended by default', async (t) => {
  const argv = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', pause];
  const child = spawn('unshare', argv, { stdio: 'inherit' });
  t.teardown(() => child.kill('SIGKILL'));
  const first = async () => {
    for (;;) {
      const id = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      if (id !== '') return id;
      await setImmediate();
    }
  };
  const id = await within(LIMIT_MS, 'there is a first process', first());
  await within(LIMIT_MS, 'it waits', waitsForSignals(id));
  const ended = once(child, 'exit');
  process.kill(Number(id), 'SIGTERM');
  t.same(await within(LIMIT_MS, 'the end', ended), [0, null]);
});
