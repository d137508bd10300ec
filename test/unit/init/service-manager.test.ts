import t from 'tap';
import { settle } from './fake-clock.js';
import { supervisor } from './supervision.js';

t.test('services start in order, manual ones do not', async (t) => {
  const { native, manager, definitions } = supervisor({
    late: { order: 50 },
    osd: { order: 10, control: true },
    manual: { start: 'manual' },
  });
  manager.start(definitions);
  t.same(
    native.children.map(({ options }) => options.file),
    ['/bin/osd', '/bin/late'],
  );
  t.same(
    manager.list().map(({ id, state }) => `${id} ${state}`),
    ['init Running', 'osd Running', 'late Running', 'manual Waiting'],
  );
  t.equal(manager.request('manual', 'START'), 'service "manual": start requested while Waiting');
  t.ok(native.childOf('/bin/manual'));
});

t.test('services that need disks start when it is decided what is on them, once', async (t) => {
  const { native, manager, definitions } = supervisor({
    containerd: { order: 60, start: 'volumes' },
    osd: { order: 10 },
    manual: { start: 'manual' },
  });
  manager.start(definitions);
  t.equal(native.children.length, 1);
  manager.volumesReady();
  t.equal(manager.find('containerd').state.kind, 'Running');
  t.equal(manager.find('manual').state.kind, 'Waiting');
  manager.request('containerd', 'STOP');
  manager.volumesReady();
  t.not(manager.find('containerd').state.kind, 'Running', 'what somebody has stopped since stays down');

  const late = supervisor({ containerd: { start: 'volumes' } });
  late.manager.start(late.definitions);
  late.manager.denyStarts();
  late.manager.volumesReady();
  t.equal(late.native.children.length, 0, 'nothing is started on the way down');
});

t.test('a service that gets arguments at run time is not started without them', async (t) => {
  const { native, manager, definitions } = supervisor({
    kubelet: { start: 'manual', argv: ['kubelet', '--config=a'], furtherArguments: true },
    osd: { order: 10 },
  });
  manager.start(definitions);
  for (const action of ['START', 'RESTART'] as const) {
    t.throws(() => manager.request('kubelet', action), { kind: 'FAILED_PRECONDITION', message: /started by itself/ });
  }
  const kubelet = manager.find('kubelet');
  t.throws(() => kubelet.setArguments(['a\0b']), { kind: 'INVALID_ARGUMENT', message: /too many/ });
  t.throws(() => kubelet.setArguments(['x'.repeat(4097)]), { kind: 'INVALID_ARGUMENT', message: /too many/ });
  t.throws(() => kubelet.setArguments(Array.from({ length: 65 }, () => 'x')), {
    kind: 'INVALID_ARGUMENT',
    message: /too many/,
  });
  t.throws(() => manager.find('osd').setArguments([]), { kind: 'FAILED_PRECONDITION', message: /takes no arguments/ });
  t.equal(kubelet.lacksArguments, true, 'what was refused is not kept');

  kubelet.setArguments(['--node-ip=10.5.0.2']);
  manager.request('kubelet', 'START');
  t.same(native.childOf('/bin/kubelet')?.options.argv, ['kubelet', '--config=a', '--node-ip=10.5.0.2']);
  kubelet.setArguments([]);
  native.childOf('/bin/kubelet')?.exit(1);
  await settle();
  manager.request('kubelet', 'START');
  t.same(native.childOf('/bin/kubelet')?.options.argv, ['kubelet', '--config=a'], 'the next start has the next ones');
});

t.test('what needs a service is stopped before what that one runs', async (t) => {
  const { native, manager, definitions } = supervisor({
    containerd: { order: 30 },
    kubelet: { order: 40, start: 'manual', dependsOn: ['containerd'] },
    idle: { order: 50, start: 'manual', dependsOn: ['containerd'] },
    osd: { order: 10 },
  });
  manager.start(definitions);
  manager.request('kubelet', 'START');
  const stopped = manager.stopDependentsOf('containerd');
  t.same(native.childOf('/bin/kubelet')?.signals, ['SIGTERM']);
  native.childOf('/bin/kubelet')?.exit(0);
  await stopped;
  t.same(
    manager.list().map(({ id, state }) => `${id} ${state}`),
    ['init Running', 'osd Running', 'containerd Running', 'kubelet Finished', 'idle Finished'],
  );
});

t.test('a boot may want a service that others do not', async (t) => {
  const { native, manager, definitions } = supervisor({
    networkd: { order: 5, start: 'manual' },
    osd: { order: 10 },
    other: { order: 20, start: 'manual' },
  });
  manager.start(definitions, ['networkd', 'unknown']);
  t.same(
    native.children.map(({ options }) => options.file),
    ['/bin/networkd', '/bin/osd'],
  );
});

t.test('a service may have its group elsewhere', async (t) => {
  const { native, manager, definitions, groups } = supervisor({ containerd: { group: 'podruntime/runtime' } });
  manager.start(definitions);
  t.ok(native.childOf('/bin/containerd'));
  t.ok(groups.get('containerd'));
});

t.test('a process gets what its definition says, and we keep nothing of it open', async (t) => {
  const { native, rings, groups, manager, definitions } = supervisor({
    osd: {
      argv: ['osd', '-x'],
      env: { A: '1' },
      uid: 50,
      gid: 51,
      capabilities: [],
      rlimits: { core: { soft: 0, hard: 0 } },
      oomScoreAdj: -5,
      control: true,
    },
    plain: {},
  });
  manager.start(definitions);
  const { options } = native.children[0] ?? {};
  t.match(options, {
    file: '/bin/osd',
    argv: ['osd', '-x'],
    env: { A: '1' },
    cwd: '/',
    uid: 50,
    gid: 51,
    groups: [],
    capabilities: [],
    noNewPrivileges: true,
    rlimits: { core: { soft: 0, hard: 0 } },
    oomScoreAdj: -5,
    stdin: 'null',
    session: true,
  });
  t.equal(options?.cgroup, groups.get('osd')?.current);
  t.equal(options?.descriptors?.length, 1, 'descriptor 3');
  t.same(rings.get('osd')?.attached, ['stdout', 'stderr']);
  t.notOk(native.childOf('/bin/plain')?.options.capabilities, 'capabilities stay as they are unless named');
  t.notOk(native.childOf('/bin/plain')?.options.descriptors);
  t.same(native.leaked, []);
});

t.test('a service that ends comes back, later each time, with its last line', async (t) => {
  const { native, clock, rings, groups, manager, definitions } = supervisor({ crasher: {} });
  manager.start(definitions);
  for (const delayMs of [250, 500, 1000]) {
    const runs = native.children.length;
    const ring = rings.get('crasher');
    if (ring) ring.last = 'found none, giving up';
    native.childOf('/bin/crasher')?.exit(3);
    await settle();
    t.equal(groups.get('crasher')?.clears, runs, 'what it left behind is ended');
    const shown = manager.list()[1];
    t.match(shown, { state: 'Waiting', pid: 0, lastLogLine: 'found none, giving up' });
    await clock.advance(delayMs - 1);
    t.equal(native.children.length, runs);
    await clock.advance(1);
    t.equal(native.children.length, runs + 1);
  }
  t.equal(groups.get('crasher')?.runs, 4, 'each run has a cgroup of its own');
  t.equal(manager.list()[1]?.restarts, 3);
  t.equal(clock.armed, 0);
});

t.test('a program that cannot be started is a failure like any other', async (t) => {
  const { native, clock, manager, definitions, lines } = supervisor({ osd: { control: true } });
  native.spawnError = Object.assign(new Error("ENOENT: no such file, execve '/bin/osd'"), {
    code: 'ENOENT',
    stage: 'exec',
  });
  manager.start(definitions);
  t.same(native.leaked, []);
  t.match(manager.list()[1], { state: 'Waiting', pid: 0 });
  t.ok(lines.some(({ level, text }) => level === 4 && /osd: Could not be started: ENOENT \(exec\)/.test(text)));
  await clock.advance(250);
  t.match(manager.list()[1], { state: 'Running', pid: 100 });
});

t.test('who depends on another waits for it', async (t) => {
  const { native, manager, definitions, clock } = supervisor({
    first: { order: 50, start: 'manual' },
    second: { order: 10, dependsOn: ['first'] },
  });
  manager.start(definitions);
  t.equal(native.children.length, 0);
  t.match(manager.list()[1], { id: 'second', state: 'Waiting' });
  manager.request('first', 'START');
  t.same(
    native.children.map(({ options }) => options.file),
    ['/bin/first', '/bin/second'],
  );
  await clock.advance(0);
});

t.test('stop: SIGTERM, then the whole cgroup after the timeout', async (t) => {
  const { native, clock, groups, manager, definitions } = supervisor({ stubborn: { stopTimeoutMs: 3000 } });
  manager.start(definitions);
  const child = native.childOf('/bin/stubborn');
  manager.request('stubborn', 'STOP');
  t.same(child?.signals, ['SIGTERM']);
  t.equal(manager.list()[1]?.state, 'Stopping');
  await clock.advance(2999);
  t.equal(groups.get('stubborn')?.kills, 0);
  await clock.advance(1);
  t.equal(groups.get('stubborn')?.kills, 1);
  child?.die('SIGKILL');
  await settle();
  t.equal(manager.list()[1]?.state, 'Finished');
  t.equal(clock.armed, 0);
});

t.test('restart: one process ends before the next begins', async (t) => {
  const { native, manager, definitions } = supervisor({ osd: {} });
  manager.start(definitions);
  manager.request('osd', 'RESTART');
  t.equal(native.children.length, 1);
  native.children[0]?.exit(0);
  await settle();
  t.equal(native.children.length, 2);
  t.match(manager.list()[1], { state: 'Running', restarts: 0 });
});

t.test('requests that cannot be met', (t) => {
  const { manager, definitions } = supervisor({ osd: {}, machined: {} });
  manager.start(definitions);
  t.throws(() => manager.request('etcd', 'START'), { message: 'no service "etcd"; there are: init, osd, machined' });
  t.throws(() => manager.ring('etcd'), { message: /there are: init, osd, machined/ });
  t.throws(() => manager.request('init', 'STOP'), { message: /PID 1/ });
  manager.denyStarts();
  t.throws(() => manager.request('osd', 'RESTART'), { message: /going down/ });
  t.end();
});

t.test('going down: one after the other, last started first, and nobody comes back', async (t) => {
  const { native, manager, definitions, clock } = supervisor({
    osd: { order: 10 },
    machined: { order: 20 },
    crashed: { order: 30 },
    manual: { order: 40, start: 'manual' },
  });
  manager.start(definitions);
  native.childOf('/bin/crashed')?.exit(1);
  await settle();
  t.equal(manager.list()[3]?.state, 'Waiting', 'in its back-off');
  let isOver = false;
  const stopped = manager.stopAll().then(() => {
    isOver = true;
  });
  await settle();
  t.same(native.childOf('/bin/machined')?.signals, ['SIGTERM']);
  t.same(native.childOf('/bin/osd')?.signals, [], 'not yet');
  native.childOf('/bin/machined')?.exit(0);
  await settle();
  t.same(native.childOf('/bin/osd')?.signals, ['SIGTERM']);
  t.notOk(isOver);
  native.childOf('/bin/osd')?.exit(1);
  await stopped;
  await clock.advance(60_000);
  t.equal(native.children.length, 3, 'nothing was started again');
  t.equal(clock.armed, 0);
});

t.test('a service that ends by itself on the way down stays down', async (t) => {
  const { native, clock, manager, definitions } = supervisor({ osd: {}, machined: {} });
  manager.start(definitions);
  manager.denyStarts();
  native.childOf('/bin/osd')?.exit(1);
  await clock.advance(60_000);
  t.equal(native.children.length, 2);
  t.equal(manager.list()[1]?.state, 'Failed');
});

t.test('the list of events is bounded', async (t) => {
  const { native, clock, manager, definitions } = supervisor({ crasher: {} });
  manager.start(definitions);
  for (let round = 0; round < 50; round++) {
    native.childOf('/bin/crasher')?.exit(1);
    await clock.advance(30_000);
  }
  const events = manager.list()[1]?.events ?? [];
  t.equal(events.length, 64);
  t.match(events.at(-1), { state: 'Running' });
});
