/** Calls that machined answers: bytes go through osd as they are, behind the node's metadata. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { MAX_TIMER_MS, MINUTE_MS } from '../../../lib/base/units.js';
import { ControlError } from '../../../lib/control/errors.js';
import { writeQueryStream } from '../../../lib/control/query-stream.js';
import { common, machine } from '../../../lib/gen/machine/machine.js';
import { StorageServiceDefinition } from '../../../lib/gen/machine/service.js';
import { loadNative } from '../../../lib/native/index.js';
import type { InitClient } from '../../../lib/osd/context.js';
import { inTurn } from '../../../lib/osd/in-turn.js';
import { query } from '../../../lib/osd/queries.js';
import { FakeInit } from './support/fake-init.js';
import { Rig, rejection, until } from './support/rig.js';

const { descriptor } = loadNative();

t.test('a message that fits a frame, and one that comes through a pipe', async (t) => {
  const machined = new FakeInit();
  const rig = await Rig.start({ machined });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  for (const count of [0, 1, 2, 5000]) {
    const processes = Array.from({ length: count }, (_, at) => ({ pid: at + 1, command: `command-${at}` }));
    const message = machine.Process.encode({ processes }).finish();
    machined.answers.query = () => {
      if (count < 100) return { message, streamed: false };
      const [read, write] = descriptor.streamPair();
      void writeQueryStream(write, [message], (error) => t.fail(String(error)));
      return { body: { message: new Uint8Array(), streamed: true }, descriptors: [read] };
    };
    const { messages } = await client.unary('Processes', {});
    t.equal(messages?.length, 1);
    t.equal(messages?.[0]?.metadata?.hostname, 'node-1');
    t.equal(messages?.[0]?.processes?.length, count);
    t.equal(messages?.[0]?.processes?.at(-1)?.pid, count === 0 ? undefined : count);
  }
  t.match(machined.bodies('query')[0], { path: '/machine.MachineService/Processes', caller: /^127\.0\.0\.1:\d+/ });
});

t.test('failures of machined, and of the way to it', async (t) => {
  const machined = new FakeInit();
  const rig = await Rig.start({ machined });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  machined.answers.query = () => {
    throw new ControlError('FAILED_PRECONDITION', 'not now');
  };
  t.match(await rejection(client.unary('Processes', {})), { code: status.FAILED_PRECONDITION, details: 'not now' });
  machined.answers.query = () => ({ message: new Uint8Array(), streamed: true });
  t.match(await rejection(client.unary('Processes', {})), { code: status.INTERNAL });
  machined.answers.query = () => {
    const [read, write] = descriptor.streamPair();
    write.close();
    return { body: { message: new Uint8Array(), streamed: true }, descriptors: [read] };
  };
  t.match(await rejection(client.unary('Processes', {})), {
    code: status.UNAVAILABLE,
    details: 'the answer broke off',
  });
});

t.test('zeroing a disk may take as long as its client waits; all else has a minute', async (t) => {
  const deadlines: (number | undefined)[] = [];
  const machined: InitClient = {
    request: async (_method, _body, options) => {
      deadlines.push(options?.deadlineMs);
      return { body: { message: new Uint8Array(), streamed: false }, descriptors: [] } as never;
    },
  };
  const context = { machined: async () => machined, hostname: () => 'node-1' };
  const caller = { identity: { fingerprint: '', commonName: '', roles: [], notAfterMs: 0 }, peer: '127.0.0.1:1' };
  const { BlockDeviceWipe, Disks } = StorageServiceDefinition;
  for (const { path } of [BlockDeviceWipe, Disks]) await query(context, path, Buffer.alloc(0), caller);
  t.same(deadlines, [MAX_TIMER_MS, MINUTE_MS]);
});

t.test('a hundred logs of pods at once: machined is asked for a few at a time, and for none too often', async (t) => {
  const machined = new FakeInit();
  const rig = await Rig.start({ machined });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:reader']);
  const held: (() => void)[] = [];
  let [running, most] = [0, 0];
  machined.answers.openQueryStream = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => held.push(resolve));
    running -= 1;
    const [read, write] = descriptor.streamPair();
    const line = common.Data.encode({ bytes: Buffer.from('one\n') }).finish();
    void writeQueryStream(write, [line], (error) => t.fail(String(error)));
    return { body: {}, descriptors: [read] };
  };
  const request = { namespace: 'k8s.io', id: 'a/b:c', follow: false, tailLines: -1, driver: 0 };
  const calls = Array.from({ length: 100 }, () => client.stream('Logs', request));
  const ends = calls.map(async (call) => {
    const [end] = await Promise.all([once(call, 'status'), call.on('error', () => {}).resume()]);
    return (end as [{ code: status }])[0].code;
  });
  let over = 0;
  for (const end of ends) void end.then(() => over++);
  await until(() => {
    for (const go of held.splice(0)) go();
    return over === 100;
  }, 'all of them have ended');
  t.same(new Set(await Promise.all(ends)), new Set([status.OK]));
  t.ok(most <= 48, `${most} requests at once`);
});

t.test('more than wait for their turn are refused', async (t) => {
  const started: (() => void)[] = [];
  const slow = {
    request: () => new Promise<void>((resolve) => started.push(resolve)),
  } as unknown as InitClient;
  const turns = await inTurn(async () => slow)();
  const asked = Array.from({ length: 48 + 512 }, () => turns.request('listServices', {}));
  await t.rejects(turns.request('listServices', {}), { message: '512 requests wait already' });
  let isOver = false;
  const all = Promise.all(asked).then(() => {
    isOver = true;
  });
  await until(() => {
    for (const go of started.splice(0)) go();
    return isOver;
  }, 'all that waited had their turn');
  await all;
});
