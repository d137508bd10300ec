/** Calls that machined answers: bytes go through osd as they are, behind the node's metadata. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { MAX_TIMER_MS, MINUTE_MS } from '../../../lib/base/units.js';
import { ControlError } from '../../../lib/control/errors.js';
import { writeQueryStream } from '../../../lib/control/query-stream.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { StorageServiceDefinition } from '../../../lib/gen/machine/service.js';
import { loadNative } from '../../../lib/native/index.js';
import type { InitClient } from '../../../lib/osd/context.js';
import { query } from '../../../lib/osd/queries.js';
import { FakeInit } from './support/fake-init.js';
import { Rig, rejection } from './support/rig.js';

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
