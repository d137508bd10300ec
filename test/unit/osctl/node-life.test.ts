/** events, health, time and reset, against a node that this test plays. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { eventId } from '../../../lib/base/event-id.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { FakeNode, type Handlers, rawListener, statusError } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const ids = Array.from({ length: 9 }, (_, at) => eventId(1_700_000_000, 7n, at + 1));
type Event = machine.Event.$Properties;

function event(at: number, name: string, value: Uint8Array, actorId = ''): Event {
  const data = { type_url: `talos/runtime/machine.${name}`, value };
  return { metadata: { hostname: 'node-1' }, id: ids[at] ?? '', actorId, data };
}

const task = (at: number, name: string, actorId?: string) =>
  event(at, 'TaskEvent', machine.TaskEvent.encode({ task: name }).finish(), actorId);
const sequence = (at: number, name: string, action: number, message = '', actorId = '') =>
  event(
    at,
    'SequenceEvent',
    machine.SequenceEvent.encode({ sequence: name, action, ...(message && { error: { message } }) }).finish(),
    actorId,
  );
const machineStatus = (at: number, ready: boolean) =>
  event(
    at,
    'MachineStatusEvent',
    machine.MachineStatusEvent.encode({
      stage: 4,
      status: { ready, unmetConditions: ready ? [] : [{ name: 'services', reason: 'service x is Failed' }] },
    }).finish(),
  );

/** Sends these, as many of the last as are asked for if it goes on; ends otherwise. */
const sends =
  (events: Event[], goesOn = false) =>
  async (request: machine.EventsRequest, call: { write(message: Event): void } & NodeJS.EventEmitter) => {
    const wanted = goesOn && request.tailEvents > 0 ? events.slice(-request.tailEvents) : events;
    for (const each of [{}, ...wanted]) call.write(each);
    if (goesOn) await once(call, 'cancelled');
  };

const version = () => ({ messages: [{ version: { tag: 'v1' } }] });
const services = (state: string, healthy: boolean) => () => ({
  messages: [{ services: [{ id: 'x', state, health: { unknown: false, healthy, lastMessage: 'it broke' } }] }],
});

t.test('osctl', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const run = async (handlers: Handlers, ...words: string[]) => {
    const node = await FakeNode.start({ handlers });
    const config = await home.write('config', node.talosconfig());
    try {
      return { endpoint: node.endpoint, ...(await home.run('--talosconfig', config, ...words)) };
    } finally {
      await node[Symbol.asyncDispose]();
    }
  };

  await t.test('events: columns for people', async (t) => {
    const { code, stdout, endpoint } = await run(
      {
        Events: sends([
          sequence(0, 'boot', 1),
          sequence(1, 'boot', 2, 'it\x1b[2J broke'),
          task(2, 'sync', 'actor-1'),
          machineStatus(3, false),
        ]),
      },
      'events',
    );
    t.equal(code, 0);
    const cells = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    t.same(cells, [
      ['NODE', 'ID', 'EVENT', 'ACTOR', 'SOURCE', 'MESSAGE'],
      [endpoint, ids[0], 'SequenceEvent', 'boot', 'START'],
      [endpoint, ids[1], 'SequenceEvent', 'boot', 'error: it\\x1b[2J broke'],
      [endpoint, ids[2], 'TaskEvent', 'actor-1', 'sync', 'START'],
      [
        endpoint,
        ids[3],
        'MachineStatusEvent',
        'RUNNING',
        'ready: false, unmet conditions: services: service x is Failed',
      ],
    ]);
  });

  await t.test('events: a line of JSON each, a document of YAML each', async (t) => {
    const handlers = { Events: sends([sequence(0, 'boot', 2, 'it broke'), task(1, 'sync', 'actor-1')]) };
    const json = await run(handlers, 'events', '-o', 'json');
    t.same(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        {
          node: json.endpoint,
          id: ids[0],
          event: 'SequenceEvent',
          actorId: '',
          source: 'boot',
          message: 'error: it broke',
          payload: { sequence: 'boot', action: 'STOP', error: 'it broke' },
        },
        {
          node: json.endpoint,
          id: ids[1],
          event: 'TaskEvent',
          actorId: 'actor-1',
          source: 'sync',
          message: 'START',
          payload: { task: 'sync', action: 'START' },
        },
      ],
    );
    const yaml = await run(handlers, 'events', '-o', 'yaml');
    t.equal(yaml.stdout.match(/^---$/gm)?.length, 2);
  });

  await t.test('events: flags become the request', async (t) => {
    const requests: machine.EventsRequest[] = [];
    const handlers: Handlers = { Events: (request) => void requests.push(request) };
    for (const words of [
      [],
      ['--tail', '-1', '--actor-id', 'a'],
      ['--since', '10m'],
      ['--duration', '90s', '--since', ids[4] ?? ''],
    ]) {
      t.equal((await run(handlers, 'events', ...words)).code, 0, words.join(' '));
    }
    t.match(requests, [
      { tailEvents: 0, tailId: '', tailSeconds: 0, withActorId: '' },
      { tailEvents: -1, withActorId: 'a' },
      { tailSeconds: 600, tailId: '' },
      { tailSeconds: 90, tailId: ids[4] },
    ]);
    for (const words of [
      ['--since', 'yesterday'],
      ['--tail', '-2'],
      ['--since', '1m', '--duration', '2m'],
    ]) {
      const { code, stdout } = await run(handlers, 'events', ...words);
      t.equal(code, 2, words.join(' '));
      t.equal(stdout, '');
    }
    t.equal(requests.length, 4, 'the node was not asked');
  });

  await t.test('events: what is missing is said, and is the exit code', async (t) => {
    const gap = { metadata: { hostname: 'node-1', error: 'missed 7 events' } };
    const { code, stderr } = await run({ Events: sends([task(0, 'a'), gap, task(8, 'b')]) }, 'events');
    t.equal(code, 5);
    t.match(stderr, /missed 7 events/);
  });

  await t.test('health: each check with its outcome', async (t) => {
    const handlers: Handlers = {
      Version: version,
      ServiceList: services('Running', true),
      Events: sends([sequence(0, 'boot', 1), sequence(1, 'boot', 2), machineStatus(2, true)], true),
      Time: () => ({
        messages: [{ server: 'ntp', localtime: { seconds: 100, nanos: 0 }, remotetime: { seconds: 100, nanos: 3e6 } }],
      }),
    };
    const good = await run(handlers, 'health');
    t.equal(good.code, 0, good.stderr);
    t.match(good.stdout, /NODE +CHECK +OUTCOME +DETAILS/);
    t.match(good.stdout, /api +ok +answers, version v1\n.*boot +ok +done\n.*services +ok +running: x\n/);
    t.match(good.stdout, /ready +ok +RUNNING\n.*time +ok +3 ms behind ntp\n/);

    const bad = await run(
      {
        ...handlers,
        ServiceList: services('Failed', false),
        Events: sends([sequence(0, 'boot', 2, 'no disk'), machineStatus(2, false)], true),
        Time: () => {
          throw statusError(status.FAILED_PRECONDITION, 'there is none');
        },
      },
      ...['health', '--wait-timeout', '0s', '-o', 'json'],
    );
    t.equal(bad.code, 1);
    t.match(bad.stderr, /not well: boot, services, ready/);
    t.match(JSON.parse(bad.stdout), [
      { check: 'api', outcome: 'ok' },
      { check: 'boot', outcome: 'failed', details: 'the boot failed: no disk' },
      { check: 'services', outcome: 'failed', details: 'x has failed: it broke' },
      { check: 'ready', outcome: 'failed', details: /service x is Failed/ },
      { check: 'time', outcome: 'skipped' },
    ]);

    let asked = 0;
    const late = await run(
      { ...handlers, ServiceList: () => services(++asked < 3 ? 'Failed' : 'Running', true)() },
      ...['health', '--wait-timeout', '60s'],
    );
    t.equal(late.code, 0, 'it waits until all is well');
    t.equal(asked, 3);

    // Nobody answers at first, then the node is there, at the same port.
    const some = await FakeNode.start();
    let up: Promise<FakeNode> | undefined;
    const early = await rawListener((socket) => {
      socket.destroy();
      early.close();
      up ??= FakeNode.start({ handlers, secrets: some.secrets, port: early.port });
    });
    const config = await home.write('early', some.talosconfig({ endpoints: [`127.0.0.1:${early.port}`] }));
    const waited = await home.run('--talosconfig', config, 'health', '--wait-timeout', '60s');
    for (const each of [some, await up]) await each?.[Symbol.asyncDispose]();
    t.equal(waited.code, 0, `it waits for the API: ${waited.stdout}`);

    const old = await run({ Version: version }, 'health', '--wait-timeout', '0s');
    t.equal(old.code, 0, 'what a node does not serve is no fault of its');
    t.equal(old.stdout.match(/skipped/g)?.length, 4);
  });

  await t.test('time', async (t) => {
    const answer = (server: string) => ({
      messages: [
        {
          server,
          localtime: { seconds: 1_700_000_000, nanos: 1 },
          remotetime: { seconds: 1_700_000_001, nanos: 500_000_000 },
        },
      ],
    });
    const handlers: Handlers = { Time: () => answer('own'), TimeCheck: ({ server }) => answer(server) };
    const own = await run(handlers, 'time');
    t.match(own.stdout, /^NODE +NTP-SERVER +NODE-TIME +NTP-SERVER-TIME\n/);
    t.match(own.stdout, /own +2023-11-14T22:13:20\.000000001Z +2023-11-14T22:13:21\.500000000Z\n/);
    const other = await run(handlers, 'time', '--check', 'pool.example', '-o', 'json');
    t.match(JSON.parse(other.stdout), [{ server: 'pool.example', serverTime: '2023-11-14T22:13:21.500000000Z' }]);
  });

  await t.test('reset: what is asked for goes to the node, and its failure comes back', async (t) => {
    const requests: machine.ResetRequest[] = [];
    let went: (() => void) | undefined;
    const handlers: Handlers = {
      Version: version,
      Events: async (_request, call) => {
        call.write({});
        await new Promise<void>((resolve) => {
          went = resolve;
        });
        call.write(sequence(0, 'reset', 1, '', 'actor-1'));
        call.write(sequence(1, 'reset', 0, 'wipe disks failed: vdb is gone', 'actor-1'));
        call.write(sequence(2, 'reset', 0, 'of somebody else', 'actor-2'));
        setTimeout(() => void node[Symbol.asyncDispose](), 300);
        await once(call, 'cancelled');
      },
      Reset: (request) => {
        requests.push(request);
        went?.();
        return { messages: [{ actorId: 'actor-1' }] };
      },
    };
    const node = await FakeNode.start({ handlers });
    const config = await home.write('config', node.talosconfig());
    const words = ['--talosconfig', config, 'reset', '--graceful=false', '--user-disks-to-wipe', '/dev/vdb,/dev/vdc'];
    const { code, stderr } = await home.run(...words, '--wipe-mode', 'user-disks');
    t.equal(code, 1, stderr);
    t.match(stderr, /resetting\n.*answers no more.*\n.*the node says: wipe disks failed: vdb is gone\n$/s);
    t.match(requests, [{ graceful: false, reboot: false, userDisksToWipe: ['/dev/vdb', '/dev/vdc'], mode: 2 }]);

    const refusing: Handlers = {
      Reset: () => {
        throw statusError(status.NOT_FOUND, 'no system partition "STATE"');
      },
    };
    const refused = await run(refusing, 'reset', '--no-wait', '--system-labels-to-wipe', 'STATE');
    t.equal(refused.code, 1);
    t.match(refused.stderr, /no system partition "STATE"/);
    t.equal((await run(refusing, 'reset', '--wipe-mode', 'everything')).code, 2);
  });

  await t.test('reboot: by the boot id, and until the node is ready', async (t) => {
    let boot = 1;
    let looks = 0;
    let listeners = 0;
    const handlers: Handlers = {
      Version: version,
      Read: (_request, call) => {
        // The second question after the order finds another boot; the node was never seen to be gone.
        if (boot === 2 && ++looks < 2) call.write({ bytes: Buffer.from('boot-1\n') });
        else call.write({ bytes: Buffer.from(`boot-${boot}\n`) });
      },
      Events: async (request: machine.EventsRequest, call) => {
        if (request.tailEvents === 0) return sends([], true)(request, call);
        t.equal(request.tailEvents, -1, 'what it has said before counts');
        call.write(machineStatus(0, false));
        // The first connection is cut off.
        if (++listeners === 1) return;
        setImmediate(() => call.write(machineStatus(1, true)));
        await once(call, 'cancelled');
      },
      Reboot: () => {
        boot = 2;
        return { messages: [{ actorId: 'actor-1' }] };
      },
    };
    const { code, stderr } = await run(handlers, 'reboot');
    t.equal(code, 0, stderr);
    t.match(stderr, /rebooting\n.*back after /s);
    t.equal(listeners, 2, 'it is listened to, and not asked again and again');
  });
});
