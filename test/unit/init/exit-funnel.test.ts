import t from 'tap';
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
  let left = 2;
  const effects: ExitEffects = {
    announce: (text) => void calls.push(`announce ${text}`),
    tellPeers: () => void calls.push('tell peers'),
    stopServices: async () => void calls.push('stop services'),
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
  return { clock, calls, lines, funnel: new ExitFunnel(effects, log, clock) };
}

t.test('the steps come in order, and a wish has no countdown', async (t) => {
  const { clock, calls, funnel } = setUp();
  const end = funnel.enter(ASKED);
  await clock.advance(1000);
  await end;
  t.same(calls, [
    'announce exit: power-off: a wish',
    'tell peers',
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
  t.same(calls.slice(1), ['tell peers', 'SIGKILL', 'sync', 'unmount', 'power-off']);
});

t.test('a fatal error counts down for ten seconds', async (t) => {
  const { clock, calls, funnel } = setUp();
  funnel.enter(FATAL);
  await clock.advance(5000);
  t.match(calls[0], 'exit: fatal error, restart: a test');
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
    { tellPeers: fail },
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
    const end = funnel.enter({ ...ASKED, action: 'restart' });
    await clock.advance(200_000);
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
