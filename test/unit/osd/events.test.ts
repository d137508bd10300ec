/** The stream of events: what comes first, what follows, none twice, none lost without a word. */
import { status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { ServerConnection } from '../../../lib/control/server.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import { systemClock } from '../../../lib/init/clock.js';
import { NodeEvents } from '../../../lib/init/node-events.js';
import { FakeInit } from './support/fake-init.js';
import { type ApiClient, Rig, rejection, until } from './support/rig.js';

t.setTimeout(60_000);

const TASK = 'talos/runtime/machine.TaskEvent';
type Request = Partial<machine.EventsRequest>;

/** osd over the events of a real PID 1's list. */
async function node(t: Test) {
  const events = new NodeEvents(systemClock);
  const connection = {
    sendEvent: () => {
      setImmediate(() => rig.server.context.events.notify());
      return true;
    },
    onClose: () => {},
  } as unknown as ServerConnection;
  const init = new FakeInit({ readEvents: ({ after }) => ({ events: events.read(connection, after) }) });
  const rig = await Rig.start({ init });
  t.teardown(() => rig.stop());
  let count = 0;
  const publish = (number: number, actorId = '') => {
    for (let each = 0; each < number; each++) {
      events.publish({ kind: 'task', name: `t${++count}`, action: 'START' }, actorId);
    }
  };
  return { events, init, rig, publish, client: await rig.clientWith(['os:reader']) };
}

/** What a client has got so far, as short texts. */
function follow(client: ApiClient, request: Request = {}) {
  const full = { tailEvents: 0, tailId: '', tailSeconds: 0, withActorId: '', ...request };
  const call = client.stream('Events', full);
  const seen: string[] = [];
  const messages: machine.Event[] = [];
  const state: { code?: status; isOpen: boolean } = { isOpen: false };
  call.on('data', (message: machine.Event) => {
    messages.push(message);
    if (message.metadata?.error) seen.push(message.metadata.error);
    else if (!message.data) state.isOpen = true;
    else seen.push(machine.TaskEvent.decode(message.data.value as Uint8Array).task);
  });
  call.on('error', () => {});
  call.on('status', ({ code }) => {
    state.code = code;
  });
  return { call, seen, messages, state };
}

const tasks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `t${from + at}`);

t.test('first an empty message, then what comes, as clients of the machine API expect it', async (t) => {
  const { client, publish } = await node(t);
  publish(3);
  const { seen, messages, state } = follow(client);
  await until(() => state.isOpen, 'the stream is open');
  t.notOk(messages[0]?.data);
  t.equal(messages[0]?.metadata?.hostname, 'node-1');
  publish(2, 'actor');
  await until(() => seen.length === 2, 'both are there');
  t.same(seen, ['t4', 't5']);
  const [, first] = messages;
  t.equal(first?.data?.type_url, TASK);
  t.match(first?.id, /^[0-9a-v]{20}$/);
  t.equal(first?.actorId, 'actor');
});

t.test('what is asked for first', async (t) => {
  const { client, publish } = await node(t);
  publish(5);
  publish(5, 'mine');
  const expect = async (request: Request, wanted: string[]) => {
    const { call, seen, state, messages } = follow(client, request);
    await until(() => state.isOpen && seen.length >= wanted.length, JSON.stringify(request));
    t.same(seen, wanted, JSON.stringify(request));
    call.cancel();
    return messages;
  };
  const all = await expect({ tailEvents: -1 }, tasks(1, 10));
  await expect({ tailEvents: 3 }, tasks(8, 10));
  await expect({ tailEvents: 300 }, tasks(1, 10));
  await expect({ tailEvents: -1, withActorId: 'mine' }, tasks(6, 10));
  await expect({ tailEvents: 2, withActorId: 'mine' }, tasks(9, 10));
  await expect({ tailSeconds: 3600 }, tasks(1, 10));
  await expect({ tailSeconds: 3600, tailEvents: 1 }, ['t10']);
  await expect({ tailId: all[4]?.id ?? '' }, tasks(5, 10));
  await expect({ tailId: all.at(-1)?.id ?? '' }, []);
  await expect({ tailId: '9m4e2mr0ui3e8a215n4g' }, tasks(1, 10));
  const refused = rejection(client.stream('Events', { tailId: 'nonsense' } as machine.EventsRequest).toArray());
  t.match(await refused, { code: status.INVALID_ARGUMENT, details: /tail_id is no id/ });
});

t.test('an id whose event was dropped: what is missing is said', async (t) => {
  const { client, publish } = await node(t);
  publish(10);
  const early = follow(client, { tailEvents: -1 });
  await until(() => early.seen.length === 10, 'the first ten');
  early.call.cancel();
  publish(1500);
  const { seen } = follow(client, { tailId: early.messages[5]?.id ?? '' });
  await until(() => seen.length === 1001, 'the rest');
  t.same(seen, ['missed 505 events', ...tasks(511, 1510)]);
});

t.test('no gap and nothing twice between what was and what comes', async (t) => {
  const { client, publish } = await node(t);
  publish(200);
  const followers = [];
  for (let round = 0; round < 20; round++) {
    followers.push(follow(client, { tailEvents: -1 }));
    publish(20);
    await new Promise(setImmediate);
  }
  for (const { seen } of followers) {
    await until(() => seen.length >= 600, 'all are there');
    t.same(seen, tasks(1, 600));
  }
});

t.test('a client that does not read learns what it has missed', async (t) => {
  const { client, publish, rig } = await node(t);
  const { call, seen, state } = follow(client, { tailEvents: -1 });
  await until(() => state.isOpen, 'the stream is open');
  call.pause();
  for (let round = 0; round < 40; round++) {
    publish(200);
    await until(() => rig.server.context.events.newest === (round + 1) * 200, 'osd has them');
  }
  call.resume();
  await until(() => seen.at(-1) === 't8000', 'the newest');
  let next = 1;
  let missed = 0;
  for (const text of seen) {
    const gap = /^missed (\d+) events$/.exec(text)?.[1];
    if (gap === undefined) t.equal(text, `t${next++}`);
    else {
      missed += Number(gap);
      next += Number(gap);
    }
  }
  t.ok(missed > 0, `${missed} were missed`);
});

t.test('the stream goes on while the node goes down, and ends with osd', async (t) => {
  const { client, publish, rig } = await node(t);
  const { seen, state } = follow(client);
  await until(() => state.isOpen, 'the stream is open');
  void rig.server.drain();
  publish(1, 'a');
  await until(() => seen.length === 1, 'told while draining');
  t.equal(state.code, undefined);
  const late = await client.status(MachineServiceDefinition.Logs);
  t.not(late.code, status.OK);
  // Whoever ends osd has published that before.
  publish(2, 'a');
  await rig.server.close(5000);
  await until(() => state.code !== undefined, 'the stream has ended');
  t.same(seen, tasks(1, 3));
  t.equal(state.code, status.UNAVAILABLE);
});

t.test('init does not answer: the status says so, and the next client may have more luck', async (t) => {
  const { client, publish, init } = await node(t);
  const answer = init.answers.readEvents;
  if (!answer) throw new Error('no answer');
  init.answers.readEvents = () => {
    throw new Error('broken');
  };
  const first = follow(client, { tailEvents: -1 });
  await until(() => first.state.code !== undefined, 'it fails');
  t.equal(first.state.code, status.INTERNAL);
  init.answers.readEvents = answer;
  publish(1);
  const second = follow(client, { tailEvents: -1 });
  await until(() => second.seen.length === 1, 'it works');
});

t.test('each kind of event is the message that it is for', async (t) => {
  const { client, events } = await node(t);
  const { messages } = follow(client, { tailEvents: -1 });
  events.publish({ kind: 'sequence', name: 'boot', action: 'STOP', error: 'it broke' });
  events.publish({ kind: 'sequence', name: 'boot', action: 'START', error: '' });
  events.publish({ kind: 'phase', name: 'cgroups', action: 'STOP' });
  events.publish({
    kind: 'service',
    service: 'osd',
    action: 'RUNNING',
    message: 'Started',
    healthUnknown: false,
    healthy: true,
    healthMessage: 'fine',
    healthChangeMs: 1_700_000_000_500,
  });
  events.publish({ kind: 'config-not-loaded', error: 'no disk' });
  events.publish({ kind: 'config-not-valid', error: 'no field' });
  events.publish({ kind: 'address', hostname: 'n1', addresses: ['10.0.2.15'] });
  events.publish({
    kind: 'machine-status',
    stage: 'RUNNING',
    ready: false,
    unmet: [{ name: 'services', reason: 'one is Failed' }],
  });
  await until(() => messages.length === 9, 'all are there');
  const decoded = messages.slice(1).map(({ data }) => {
    const name = data?.type_url?.replace('talos/runtime/machine.', '') ?? '';
    const types = machine as unknown as Record<string, { decode(bytes: Uint8Array): object }>;
    return [name, types[name]?.decode(data?.value as Uint8Array)];
  });
  t.match(decoded, [
    ['SequenceEvent', { sequence: 'boot', action: 2, error: { message: 'it broke' } }],
    ['SequenceEvent', { sequence: 'boot', action: 1 }],
    ['PhaseEvent', { phase: 'cgroups', action: 1 }],
    [
      'ServiceStateEvent',
      { service: 'osd', action: 3, message: 'Started', health: { healthy: true, lastMessage: 'fine' } },
    ],
    ['ConfigLoadErrorEvent', { error: 'no disk' }],
    ['ConfigValidationErrorEvent', { error: 'no field' }],
    ['AddressEvent', { hostname: 'n1', addresses: ['10.0.2.15'] }],
    ['MachineStatusEvent', { stage: 4, status: { unmetConditions: [{ name: 'services' }] } }],
  ]);
  t.notOk((decoded[1]?.[1] as machine.SequenceEvent | undefined)?.error, 'no error where there is none');
});
