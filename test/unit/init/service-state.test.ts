import t from 'tap';
import {
  INITIAL_RECORD,
  type ServiceInput,
  type ServiceRecord,
  type ServiceRules,
  type ServiceState,
  step,
} from '../../../lib/init/service-state.js';
import type { ExitStatus } from '../../../lib/native/contract.js';

const RULES: ServiceRules = { restart: 'always', stopTimeoutMs: 5000 };
const NOW_MS = 100_000;

const STATES = {
  'waiting-start': { kind: 'Waiting', what: 'start' },
  'waiting-deps': { kind: 'Waiting', what: 'dependencies' },
  'waiting-again': { kind: 'Waiting', what: 'again' },
  starting: { kind: 'Starting' },
  running: { kind: 'Running', sinceMs: NOW_MS - 10 },
  stopping: { kind: 'Stopping', startAfterwards: false },
  'stopping-restart': { kind: 'Stopping', startAfterwards: true },
  finished: { kind: 'Finished' },
  failed: { kind: 'Failed' },
} as const satisfies Record<string, ServiceState>;

const OK = { kind: 'exited', code: 0 } as const;
const BAD = { kind: 'exited', code: 3 } as const;

const INPUTS = {
  start: { kind: 'start' },
  stop: { kind: 'stop' },
  restart: { kind: 'restart' },
  met: { kind: 'dependencies-met' },
  spawned: { kind: 'spawned', pid: 7 },
  'spawn-failed': { kind: 'spawn-failed', why: 'ENOENT' },
  'exit-0': { kind: 'exited', status: OK, lastLogLine: 'bye' },
  'exit-3': { kind: 'exited', status: BAD, lastLogLine: 'oh no' },
  timer: { kind: 'timer' },
} as const satisfies Record<string, ServiceInput>;

type StateName = keyof typeof STATES;
type InputName = keyof typeof INPUTS;

/** state → input → new state; a pair that is not here must change nothing. */
const TABLE: Record<StateName, Partial<Record<InputName, StateName>>> = {
  'waiting-start': { start: 'waiting-deps', restart: 'waiting-deps', stop: 'finished' },
  'waiting-deps': { met: 'starting', stop: 'finished' },
  'waiting-again': { start: 'waiting-deps', restart: 'waiting-deps', stop: 'finished', timer: 'waiting-deps' },
  starting: { spawned: 'running', 'spawn-failed': 'waiting-again' },
  running: { stop: 'stopping', restart: 'stopping-restart', 'exit-0': 'waiting-again', 'exit-3': 'waiting-again' },
  stopping: { start: 'stopping-restart', restart: 'stopping-restart', 'exit-0': 'finished', 'exit-3': 'finished' },
  'stopping-restart': { stop: 'stopping', 'exit-0': 'waiting-deps', 'exit-3': 'waiting-deps' },
  finished: { start: 'waiting-deps', restart: 'waiting-deps' },
  failed: { start: 'waiting-deps', restart: 'waiting-deps' },
};

function record(state: ServiceState, more: Partial<ServiceRecord> = {}): ServiceRecord {
  return { ...INITIAL_RECORD, state, ...more };
}

function nameOf(state: ServiceState): StateName {
  if (state.kind === 'Waiting') {
    return ({ start: 'waiting-start', dependencies: 'waiting-deps', again: 'waiting-again' } as const)[state.what];
  }
  if (state.kind === 'Stopping') return state.startAfterwards ? 'stopping-restart' : 'stopping';
  return state.kind.toLowerCase() as StateName;
}

for (const from of Object.keys(STATES) as StateName[]) {
  t.test(`every input in ${from}`, (t) => {
    for (const input of Object.keys(INPUTS) as InputName[]) {
      const to = TABLE[from][input] ?? from;
      t.equal(nameOf(step(record(STATES[from]), INPUTS[input], RULES, NOW_MS).record.state), to, `${input} → ${to}`);
    }
    t.end();
  });
}

t.test('the policy decides what an end means', (t) => {
  const end = (restart: ServiceRules['restart'], input: InputName) =>
    nameOf(step(record(STATES.running), INPUTS[input], { ...RULES, restart }, NOW_MS).record.state);
  t.equal(end('on-failure', 'exit-0'), 'finished');
  t.equal(end('on-failure', 'exit-3'), 'waiting-again');
  t.equal(end('never', 'exit-0'), 'finished');
  t.equal(end('never', 'exit-3'), 'failed');
  t.end();
});

t.test('stopping asks politely, then kills, and kills again', (t) => {
  const stop = step(record(STATES.running), INPUTS.stop, RULES, NOW_MS);
  t.same(stop.effects, [{ kind: 'terminate' }, { kind: 'arm-timer', delayMs: 5000 }]);
  const kill = step(stop.record, INPUTS.timer, RULES, NOW_MS);
  t.match(kill.effects, [{ kind: 'kill' }, { kind: 'arm-timer' }]);
  const again = step(kill.record, INPUTS.timer, RULES, NOW_MS);
  t.match(again.effects, [{ kind: 'kill' }, { kind: 'arm-timer' }]);
  t.end();
});

t.test('a crash loop slows down, and its last line is kept', (t) => {
  let current = record(STATES.running);
  const delays: number[] = [];
  for (let round = 0; round < 4; round++) {
    const end = step(current, INPUTS['exit-3'], RULES, NOW_MS);
    delays.push(end.record.delayMs);
    t.equal(end.record.lastLogLine, 'oh no');
    t.equal(end.message, `Ended: exit code 3, last line: oh no; starting again in ${end.record.delayMs / 1000} s`);
    t.ok(end.isFailure);
    const again = step(end.record, INPUTS.timer, RULES, NOW_MS);
    const starting = step(again.record, INPUTS.met, RULES, NOW_MS);
    t.same(starting.effects, [{ kind: 'spawn' }]);
    current = step(starting.record, INPUTS.spawned, RULES, NOW_MS).record;
  }
  t.same(delays, [250, 500, 1000, 2000]);
  const bounded = step(current, INPUTS['exit-3'], { ...RULES, maxDelayMs: 300 }, NOW_MS);
  t.equal(bounded.record.delayMs, 300, 'a node of tests may have another bound');
  t.equal(current.restarts, 4);
  const asked = step(step(current, INPUTS['exit-3'], RULES, NOW_MS).record, INPUTS.start, RULES, NOW_MS);
  t.equal(asked.record.delayMs, 0, 'whoever asks for a start does not wait, and the series begins anew');
  t.end();
});

t.test('an orderly end does not count as a failure', (t) => {
  const end = step(record(STATES.running, { lastLogLine: 'earlier' }), INPUTS['exit-0'], RULES, NOW_MS);
  t.equal(end.record.lastLogLine, 'earlier');
  t.notOk(end.isFailure);
  t.end();
});

t.test('a kill for want of memory is named, and no other end is taken for one', (t) => {
  const killed = { kind: 'signaled', signal: 'SIGKILL', coreDumped: false } as const;
  const crashed = { kind: 'signaled', signal: 'SIGSEGV', coreDumped: false } as const;
  const end = (status: ExitStatus, isOutOfMemory: boolean, state: ServiceState = STATES.running) =>
    step(record(state), { kind: 'exited', status, lastLogLine: '', isOutOfMemory }, RULES, NOW_MS).message;
  t.match(end(killed, true), /^Ended: killed: out of memory; starting again/);
  t.match(end(killed, false), /^Ended: killed by SIGKILL;/);
  t.match(end(crashed, true), /^Ended: killed by SIGSEGV;/, 'a child of it was killed, and it did not get over that');
  t.match(end({ kind: 'exited', code: 3 }, true), /^Ended: exit code 3;/);
  t.equal(end(killed, true, STATES.stopping), 'Stopped: killed: out of memory');
  t.end();
});

t.test('a signal is named', (t) => {
  const status = { kind: 'signaled', signal: 'SIGSEGV', coreDumped: true } as const;
  const end = step(record(STATES.running), { kind: 'exited', status, lastLogLine: '' }, RULES, NOW_MS);
  t.match(end.message, /^Ended: killed by SIGSEGV, core dumped; starting again/);
  t.end();
});
