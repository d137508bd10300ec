import t from 'tap';
import { type Phase, PhaseError, runPhases } from '../../../lib/init/phases.js';
import { FakeClock } from './fake-clock.js';
import { recordingLog } from './recording-log.js';

function phase(name: string, run: Phase['run'], more: Partial<Phase> = {}): Phase {
  return { name, isRequired: false, after: [], run, ...more };
}

t.test('the lines have the documented form', async (t) => {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const done = runPhases([phase('mounts', () => new Promise((resolve) => clock.after(12.34, resolve)))], log, clock);
  await clock.advance(1000);
  await done;
  t.same(lines, [{ level: 6, text: 'phase mounts done in 12.3 ms (uptime 1.012 s)' }]);
});

t.test('phases run side by side unless one comes after another', async (t) => {
  const clock = new FakeClock();
  const { log } = recordingLog();
  const order: string[] = [];
  const taking = (name: string, durationMs: number) => () => {
    order.push(`${name} starts`);
    return new Promise<void>((resolve) => clock.after(durationMs, () => resolve(void order.push(`${name} ends`))));
  };
  const done = runPhases(
    [
      phase('mounts', taking('mounts', 10)),
      phase('network', taking('network', 1000), { after: ['mounts'] }),
      phase('services', taking('services', 10), { after: ['mounts'] }),
    ],
    log,
    clock,
  );
  await clock.advance(2000);
  await done;
  t.same(order, ['mounts starts', 'mounts ends', 'network starts', 'services starts', 'services ends', 'network ends']);
});

t.test('a failure is logged; a required one ends the boot before what comes after it', async (t) => {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const ran: string[] = [];
  const fail = () => {
    throw new Error('no such thing');
  };
  await runPhases([phase('extra', fail), phase('next', () => void ran.push('next'), { after: ['extra'] })], log, clock);
  t.same(ran, ['next']);
  t.match(lines[0], { level: 3, text: 'phase extra failed after 0.0 ms (uptime 1.000 s): no such thing' });
  await t.rejects(
    runPhases(
      [phase('must', fail, { isRequired: true }), phase('later', () => void ran.push('later'), { after: ['must'] })],
      log,
      clock,
    ),
    new PhaseError('phase must failed: no such thing'),
  );
  t.same(ran, ['next']);
});

t.test('a phase cannot come after one that is not above it', async (t) => {
  const { log } = recordingLog();
  await t.rejects(
    runPhases([phase('a', () => {}, { after: ['b'] }), phase('b', () => {})], log, new FakeClock()),
    /not above/,
  );
});
