import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import type { Task } from '../../../../lib/containerd/index.js';
import type { ContainerReport } from '../../../../lib/control/protocol.js';
import { ContainerService } from '../../../../lib/machined/containers/container-service.js';
import { parseContainerDefinition } from '../../../../lib/machined/containers/definition.js';
import type { ContainerRuntime } from '../../../../lib/machined/containers/runtime.js';

class Absence extends Error {}

/** containerd, as far as a service sees it. */
class FakeRuntime implements ContainerRuntime {
  running: Task | undefined;
  readonly calls: string[] = [];
  failPrepare: Error | undefined;
  failRun: Error | undefined;
  kills = 0;
  /** Holds what is asked of it up until it is resolved. */
  held: Promise<void> | undefined;
  failSignal: Error | undefined;
  private nextPid = 100;
  private end: { resolve(status: number | undefined): void; reject(error: Error): void } | undefined;

  async prepare() {
    await this.held;
    if (this.failPrepare) throw this.failPrepare;
    return 'sha256:1';
  }
  async run({ id }: { id: string }) {
    if (this.failRun) throw this.failRun;
    this.running = { containerId: id, pid: this.nextPid++, status: 'RUNNING', exitStatus: 0 };
    return this.running.pid;
  }
  async task() {
    return this.running;
  }
  wait() {
    return new Promise<number | undefined>((resolve, reject) => {
      this.end = { resolve, reject };
    });
  }
  async signal(_id: string, signal: number) {
    this.calls.push(`signal ${signal}`);
    if (this.failSignal) throw this.failSignal;
  }
  async outOfMemoryKills() {
    this.calls.push('outOfMemoryKills');
    return this.kills;
  }
  async remove() {
    this.calls.push('remove');
    this.running = undefined;
  }
  isAbsence(error: unknown) {
    return error instanceof Absence;
  }
  exit(status: number) {
    this.end?.resolve(status);
  }
  vanish() {
    this.end?.reject(new Absence('gone'));
  }
}

function service(fields: object = {}, context: { maxRestartDelayMs?: number } = {}) {
  const runtime = new FakeRuntime();
  const reports: ContainerReport[] = [];
  const sleeps: { ms: number; over: () => void }[] = [];
  let lost = 0;
  let isOpen = 0;
  let isThere = true;
  let back = () => {};
  const definition = parseContainerDefinition('a', JSON.stringify({ id: 'a', argv: ['/usr/bin/a'], ...fields }));
  const made = new ContainerService(definition, {
    runtime,
    ready: async () => {
      while (!isThere) {
        await new Promise<void>((resolve) => {
          back = resolve;
        });
      }
    },
    lost: () => void lost++,
    openLog: async () => {
      isOpen++;
      return { stdout: 'o', stderr: 'e', close: () => void isOpen-- };
    },
    report: (report) => void reports.push(report),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleeps.push({ ms, over: resolve });
        signal.addEventListener('abort', () => resolve());
      }),
    nowMs: () => 0,
    ...context,
  });
  void made.keep();
  const settle = async () => {
    for (let index = 0; index < 20; index++) await turn();
  };
  const states = () => reports.map(({ state, message }) => `${state} ${message}`.trim());
  /** containerd goes away, or comes back. */
  const containerd = (is: boolean) => {
    isThere = is;
    if (is) back();
    else runtime.vanish();
  };
  return { made, runtime, reports, sleeps, settle, states, containerd, lost: () => lost, isOpen: () => isOpen };
}

t.test('it is started, and again with a back-off when it ends', async (t) => {
  const { runtime, states, sleeps, settle, isOpen } = service();
  await settle();
  t.same(states(), ['Starting Starting', 'Running Started with process id 100']);
  t.equal(isOpen(), 0, "its pipes are the shim's by then");
  runtime.exit(3);
  await settle();
  t.match(states().at(-1), 'Waiting Ended: exit code 3; starting again in 0.25 s');
  sleeps.at(-1)?.over();
  await settle();
  t.match(states().at(-1), 'Running Started with process id 101');
  runtime.exit(137);
  await settle();
  t.match(states().at(-1), 'Waiting Ended: killed by signal 9; starting again in 0.5 s');
});

t.test('one that the kernel killed for want of memory says so', async (t) => {
  const { runtime, states, sleeps, settle } = service();
  await settle();
  runtime.kills = 1;
  runtime.exit(137);
  await settle();
  t.match(states().at(-1), 'Waiting Ended: killed: out of memory; starting again in 0.25 s');
  t.same(runtime.calls.slice(-2), ['outOfMemoryKills', 'remove'], 'its group is gone with it');
  sleeps.at(-1)?.over();
  await settle();
  runtime.exit(3);
  await settle();
  t.match(states().at(-1), /Ended: exit code 3/, 'what ends otherwise was not killed');
});

t.test('a node of tests may have another bound of the back-off', async (t) => {
  const { runtime, states, settle } = service({}, { maxRestartDelayMs: 100 });
  await settle();
  runtime.exit(3);
  await settle();
  t.match(states().at(-1), 'Waiting Ended: exit code 3; starting again in 0.1 s');
});

t.test('stop is SIGTERM, then SIGKILL; it stays down until a start', async (t) => {
  const { made, runtime, states, sleeps, settle } = service({ stopTimeoutMs: 700 });
  await settle();
  made.ask('STOP');
  await settle();
  t.match(states().at(-1), 'Stopping Stopping');
  t.equal(sleeps.at(-1)?.ms, 700);
  sleeps.at(-1)?.over();
  await settle();
  t.same(
    runtime.calls.filter((call) => call.startsWith('signal')),
    ['signal 15', 'signal 9'],
  );
  runtime.exit(137);
  await settle();
  t.match(states().at(-1), 'Finished Stopped: killed by signal 9');
  made.ask('START');
  await settle();
  t.match(states().at(-1), 'Running Started with process id 101');
});

t.test('restart needs no back-off', async (t) => {
  const { made, runtime, states, settle } = service();
  await settle();
  made.ask('RESTART');
  await settle();
  runtime.exit(0);
  await settle();
  t.same(states().slice(-3), [
    'Waiting Stopped: exit code 0',
    'Starting Starting',
    'Running Started with process id 101',
  ]);
});

t.test('what runs is found again by the next machined, or after containerd was away', async (t) => {
  const { runtime, states, settle, lost } = service();
  await settle();
  runtime.vanish();
  await settle();
  t.equal(lost(), 1);
  t.match(states().at(-1), 'Running Started with process id 100', 'nothing has happened to it');
  const next = service({ start: 'manual' });
  next.runtime.running = { containerId: 'a', pid: 7, status: 'RUNNING', exitStatus: 0 };
  await next.settle();
  t.same(next.states(), ['Running Runs with process id 7']);
});

t.test('an image that cannot be imported is a failure for good, one that cannot be run is tried again', async (t) => {
  const broken = service({ start: 'manual' });
  broken.runtime.failPrepare = new Error('not a tar');
  broken.made.ask('START');
  await broken.settle();
  t.match(broken.reports.at(-1), { state: 'Failed', failed: true, message: 'Its image cannot be imported: not a tar' });
  const unable = service({ start: 'manual', restart: 'on-failure' });
  unable.runtime.failRun = new Error('no such file');
  unable.made.ask('START');
  await unable.settle();
  t.match(unable.reports.at(-1), {
    state: 'Waiting',
    message: /Could not be run: no such file; starting again in 0.25 s/,
  });
  t.ok(unable.runtime.calls.includes('remove'), 'nothing of it is left behind');
});

t.test('by its policy it stays down', async (t) => {
  const { runtime, states, settle } = service({ restart: 'on-failure' });
  await settle();
  runtime.exit(0);
  await settle();
  t.match(states().at(-1), 'Finished Ended: exit code 0');
});

const signals = ({ calls }: FakeRuntime) => calls.filter((call) => call.startsWith('signal'));

t.test('a stop while it is being started is not lost', async (t) => {
  const { made, runtime, states, settle } = service();
  let goOn = () => {};
  runtime.held = new Promise((resolve) => {
    goOn = resolve;
  });
  await settle();
  t.same(states(), ['Starting Starting']);
  made.ask('RESTART');
  made.ask('STOP');
  goOn();
  await settle();
  t.same(states().slice(1), ['Running Started with process id 100', 'Stopping Stopping']);
  t.same(signals(runtime), ['signal 15']);
  runtime.exit(0);
  await settle();
  t.equal(states().at(-1), 'Finished Stopped: exit code 0');
});

t.test('a restart while it is being started is the start that is under way', async (t) => {
  const { made, runtime, states, settle } = service();
  let goOn = () => {};
  runtime.held = new Promise((resolve) => {
    goOn = resolve;
  });
  await settle();
  made.ask('RESTART');
  goOn();
  await settle();
  t.same(states(), ['Starting Starting', 'Running Started with process id 100']);
  t.same(signals(runtime), []);
});

t.test('a stop in the back-off is shown, and one before it ever ran', async (t) => {
  const { made, runtime, states, settle } = service();
  await settle();
  runtime.exit(3);
  await settle();
  made.ask('STOP');
  await settle();
  t.equal(states().at(-1), 'Finished Stopped before it ran');
  made.ask('STOP');
  await settle();
  t.equal(states().length, 4, 'there is nothing to be told of another');
  made.ask('START');
  await settle();
  t.equal(states().at(-1), 'Running Started with process id 101');

  const early = service();
  early.containerd(false);
  early.made.show();
  early.made.ask('STOP');
  await early.settle();
  early.containerd(true);
  await early.settle();
  t.same(early.states(), ['Waiting', 'Finished Stopped before it ran']);
});

t.test('what is asked while containerd is away is done when it is back', async (t) => {
  for (const [action, last] of [
    ['STOP', 'Finished Stopped: exit code 0'],
    ['RESTART', 'Running Started with process id 101'],
  ] as const) {
    const { made, runtime, states, settle, containerd } = service();
    await settle();
    containerd(false);
    await settle();
    made.ask(action);
    await settle();
    t.same(signals(runtime), []);
    containerd(true);
    await settle();
    t.same(signals(runtime), ['signal 15'], action);
    t.match(states().at(-1), /^Stopping/);
    runtime.exit(0);
    await settle();
    t.equal(states().at(-1), last);
  }
  const gone = service();
  await gone.settle();
  gone.containerd(false);
  await gone.settle();
  gone.made.ask('STOP');
  gone.runtime.running = undefined;
  gone.containerd(true);
  await gone.settle();
  t.equal(gone.states().at(-1), 'Finished Stopped: gone', 'it has ended meanwhile');
});

t.test('containerd goes away in the middle of a stop, which goes on when it is back', async (t) => {
  const { made, runtime, states, sleeps, settle, containerd } = service();
  await settle();
  made.ask('STOP');
  await settle();
  containerd(false);
  await settle();
  containerd(true);
  await settle();
  t.same(signals(runtime), ['signal 15', 'signal 15']);
  sleeps.at(-1)?.over();
  await settle();
  t.same(signals(runtime).slice(2), ['signal 9'], 'with all the patience that it has');
  runtime.exit(137);
  await settle();
  t.equal(states().at(-1), 'Finished Stopped: killed by signal 9');

  const other = service();
  await other.settle();
  other.runtime.failSignal = new Error('DEADLINE_EXCEEDED');
  other.made.ask('STOP');
  await other.settle();
  other.runtime.failSignal = undefined;
  other.made.ask('STOP');
  await other.settle();
  t.same(signals(other.runtime), ['signal 15', 'signal 15'], 'one that was not sent can be asked for again');
});
