import t from 'tap';
import type { NodeEventPayload } from '../../../lib/control/node-event.js';
import { type ExitEffects, ExitFunnel, type ExitRequest } from '../../../lib/init/exit-funnel.js';
import { FakeClock } from './fake-clock.js';
import { recordingLog } from './recording-log.js';

const FATAL: ExitRequest = { cause: 'fatal', action: 'restart', reason: 'a test', force: false };
const ASKED: ExitRequest = { cause: 'asked', action: 'power-off', reason: 'a wish', force: false };

const never = () => new Promise<never>(() => {});

function setUp(overrides: Partial<ExitEffects> = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const calls: string[] = [];
  const events: (NodeEventPayload & { actorId: string | undefined })[] = [];
  let left = 2;
  const effects: ExitEffects = {
    announce: (text) => void calls.push(`announce ${text}`),
    drain: async () => void calls.push('drain'),
    tellPeers: () => void calls.push('tell peers'),
    stopContainers: async () => void calls.push('stop containers'),
    stopServices: async (except) => void calls.push(['stop services', ...except].join(' ')),
    wipeDisks: async ({ disks, partitions }) => void calls.push(`wipe ${[...disks, ...partitions].join(' ')}`),
    signalAll: (signal) => void calls.push(signal),
    processesLeft: async () => Math.max(0, left--),
    sync: async () => void calls.push('sync'),
    unmountAll: async () => {
      calls.push('unmount');
      return [];
    },
    reboot: (action) => void calls.push(action),
    crash: () => void calls.push('crash'),
    ...overrides,
  };
  const funnel = new ExitFunnel(effects, log, clock, {
    publish: (payload, actorId) => void events.push({ ...payload, actorId }),
    enterStage: (stage, actorId) => void calls.push(`stage ${stage} ${actorId}`.trim()),
  });
  return { clock, calls, events, lines, funnel };
}

t.test('the steps come in order, and a wish has no countdown', async (t) => {
  const { clock, calls, funnel } = setUp();
  const end = funnel.enter(ASKED);
  await clock.advance(1000);
  await end;
  t.same(calls, [
    'stage SHUTTING_DOWN',
    'announce exit: power-off: a wish',
    'tell peers',
    'stop containers',
    'stop services',
    'SIGTERM',
    'SIGKILL',
    'sync',
    'unmount',
    'power-off',
  ]);
});

t.test('force leaves out the orderly stop, never sync and unmount', async (t) => {
  const { clock, calls, funnel } = setUp();
  const end = funnel.enter({ ...ASKED, force: true });
  await clock.advance(1000);
  await end;
  t.same(calls.slice(2), ['tell peers', 'SIGKILL', 'sync', 'unmount', 'power-off']);
});

t.test('pods move away while everything still runs, and whoever is in a hurry does not wait for them', async (t) => {
  const patient = setUp();
  const end = patient.funnel.enter({ ...ASKED, drain: true });
  await patient.clock.advance(1000);
  await end;
  t.same(patient.calls.slice(1, 4), ['announce exit: power-off: a wish', 'drain', 'tell peers']);
  t.match(
    patient.events.filter(({ kind }) => kind === 'task').map((event) => 'name' in event && event.name),
    ['announce', 'announce', 'cordonAndDrainNode', 'cordonAndDrainNode', 'tellPeers'],
  );
  const forced = setUp();
  forced.funnel.enter({ ...ASKED, drain: true, force: true });
  await forced.clock.advance(1000);
  t.notOk(forced.calls.includes('drain'));

  for (const [second, steps] of [
    [{ ...ASKED, drain: false }, ['tell peers', 'stop containers']],
    [{ ...ASKED, force: true }, ['tell peers', 'SIGKILL']],
    [FATAL, ['tell peers', 'stop containers']],
  ] as const) {
    let signal: AbortSignal | undefined;
    const { clock, calls, funnel, lines } = setUp({
      drain: (given) => {
        signal = given;
        return never();
      },
    });
    funnel.enter({ ...ASKED, drain: true });
    funnel.enter({ ...ASKED, drain: true });
    await clock.advance(100_000);
    t.notOk(calls.includes('tell peers'), 'who asks for the same waits for the same');
    funnel.enter(second);
    await clock.advance(1000);
    t.ok(signal?.aborted, 'and nobody works on it any more');
    const from = calls.indexOf('tell peers');
    t.same(calls.slice(from, from + 2), steps);
    t.notOk(lines.some(({ text }) => /drain (failed|did not end)/.test(text)));
  }
});

t.test('a fatal error counts down for ten seconds', async (t) => {
  const { clock, calls, funnel } = setUp();
  funnel.enter(FATAL);
  await clock.advance(5000);
  t.match(calls[1], 'exit: fatal error, restart: a test');
  t.ok(calls.includes('announce exit: rebooting in 10 s'));
  t.notOk(calls.includes('restart'), 'not yet');
  await clock.advance(6000);
  t.ok(calls.includes('announce exit: rebooting in 1 s'));
  t.same(calls.slice(-2), ['restart', 'crash'], 'the fake kernel returned, so the last resort followed');
});

t.test('whatever fails or hangs, the node goes down', async (t) => {
  const fail = () => {
    throw new Error('broken');
  };
  const broken: Partial<ExitEffects>[] = [
    { announce: fail },
    { drain: never },
    { drain: async () => fail() },
    { tellPeers: fail },
    { stopContainers: never },
    { stopServices: async () => fail() },
    { stopServices: never },
    { signalAll: fail },
    { processesLeft: async () => 5 },
    { processesLeft: async () => fail() },
    { processesLeft: never },
    { sync: never },
    { sync: async () => fail() },
    { unmountAll: never },
    { unmountAll: async () => ['/var'] },
    { unmountAll: async () => fail() },
  ];
  for (const overrides of broken) {
    const { clock, calls, funnel } = setUp(overrides);
    const end = funnel.enter({ ...ASKED, action: 'restart', drain: true });
    await clock.advance(500_000);
    await end;
    t.same(calls.slice(-2), ['restart', 'crash'], `with ${Object.keys(overrides)[0]} broken`);
  }
});

t.test('a failure is told', async (t) => {
  const { clock, lines, funnel } = setUp({ sync: never, unmountAll: async () => ['/var'] });
  funnel.enter(ASKED);
  await clock.advance(60_000);
  const texts = lines.map(({ text }) => text);
  t.ok(texts.includes('exit: sync did not end within 30000 ms'));
  t.ok(texts.includes('exit: still mounted: /var'));
});

t.test('there is one run; who comes later is logged', async (t) => {
  const { clock, calls, lines, funnel } = setUp();
  const first = funnel.enter(ASKED);
  t.ok(funnel.isRunning);
  t.equal(funnel.enter(FATAL), first);
  await clock.advance(20_000);
  await first;
  t.equal(calls.filter((call) => call === 'stop services').length, 1);
  t.ok(lines.some(({ text }) => text === 'exit: already going down; also: a test'));
});

t.test('whoever follows the way down sees every step, under the id of whoever asked', async (t) => {
  const { clock, calls, events, funnel } = setUp();
  const end = funnel.enter({ ...ASKED, action: 'restart', actorId: 'actor-1' });
  funnel.enter({ ...ASKED, actorId: 'actor-2' });
  await clock.advance(1000);
  await end;
  t.ok(calls.includes('stage REBOOTING actor-1'));
  const shown = events.map((event) => `${event.actorId} ${'name' in event ? `${event.name} ${event.action}` : ''}`);
  t.same(
    shown.filter((line) => !line.endsWith('STOP')),
    [
      'actor-1 reboot START',
      'actor-1 announce START',
      'actor-2 shutdown NOOP',
      'actor-1 tellPeers START',
      'actor-1 stopContainers START',
      'actor-1 stopAllServices START',
      'actor-1 endProcesses START',
      'actor-1 killProcesses START',
      'actor-1 sync START',
      'actor-1 unmount START',
      'actor-1 reboot START',
      'actor-1 crash START',
    ],
  );
  t.ok(shown.includes('actor-1 stopAllServices STOP'));
  t.match(
    events.find(({ actorId }) => actorId === 'actor-2'),
    { error: 'the node is going down already' },
  );
});

t.test('a reset wipes when the others have stopped, and says when it could not', async (t) => {
  const reset = { ...ASKED, actorId: 'a', reset: { disks: ['/dev/vdb'], partitions: ['STATE'] } };
  const good = setUp();
  const end = good.funnel.enter(reset);
  await good.clock.advance(1000);
  await end;
  t.same(good.calls.slice(0, 8), [
    'stage RESETTING a',
    'announce exit: power-off: a wish',
    'tell peers',
    'stop containers',
    'stop services machined osd',
    'wipe /dev/vdb STATE',
    'stop services',
    'SIGTERM',
  ]);
  const bad = setUp({
    wipeDisks: async () => {
      throw new Error('vdb is gone');
    },
  });
  const badEnd = bad.funnel.enter(reset);
  await bad.clock.advance(1000);
  await badEnd;
  t.ok(bad.events.some((event) => event.kind === 'sequence' && event.error === 'wipe disks failed: vdb is gone'));
  t.equal(bad.calls.at(-1), 'power-off');
  const nothing = setUp();
  const nothingEnd = nothing.funnel.enter({ ...ASKED, reset: { disks: [], partitions: [] } });
  await nothing.clock.advance(1000);
  await nothingEnd;
  t.notOk(nothing.calls.some((call) => call.startsWith('wipe')));
});
