/** Time and TimeCheck: which server is asked, and what a client is told when that does not work. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { TalosError } from '../../../lib/base/errors.js';
import { TimeServiceDefinition } from '../../../lib/gen/machine/service.js';
import { TimeHandlers } from '../../../lib/osd/handlers/time.js';
import { FakeInit } from './support/fake-init.js';
import { Rig, rejection } from './support/rig.js';

const ANSWER = { offsetMs: 500, delayMs: 1, stratum: 2, localMs: 1_700_000_000_250, remoteMs: 1_700_000_000_750 };

async function handlers(facts: { timeServers: string[]; nameServers: string[] }) {
  const asked: string[] = [];
  const init = new FakeInit({ describeTime: () => facts });
  const rig = await Rig.start({ init });
  const made = new TimeHandlers(rig.server.context, {
    ask: async (address) => {
      asked.push(address);
      if (address === '192.0.2.99') throw new TalosError('ERR_TIME_SERVER', 'time server 192.0.2.99 did not answer');
      return ANSWER;
    },
    resolve: async (name, nameServers) => {
      asked.push(`${name} by ${nameServers}`);
      return name === 'time.example' ? ['192.0.2.7', '192.0.2.8'] : [];
    },
  });
  return { made, asked, rig };
}

t.test('the first server that the node has', async (t) => {
  const { made, asked, rig } = await handlers({
    timeServers: ['time.example', '192.0.2.1'],
    nameServers: ['192.0.2.53'],
  });
  t.teardown(() => rig.stop());
  t.same(await made.first(), {
    messages: [
      {
        metadata: { hostname: 'node-1' },
        server: 'time.example',
        localtime: { seconds: 1_700_000_000, nanos: 250_000_000 },
        remotetime: { seconds: 1_700_000_000, nanos: 750_000_000 },
      },
    ],
  });
  t.same(asked, ['time.example by 192.0.2.53', '192.0.2.7']);
  await made.named('192.0.2.9');
  await made.named('2001:db8::1');
  t.same(asked.slice(2), ['192.0.2.9', '2001:db8::1']);
});

t.test('what cannot be asked', async (t) => {
  const { made, rig } = await handlers({ timeServers: [], nameServers: [] });
  t.teardown(() => rig.stop());
  t.match(await rejection(made.first()), { code: status.FAILED_PRECONDITION, message: /no time server: name one in/ });
  t.match(await rejection(made.named('time.example')), { code: status.FAILED_PRECONDITION, message: /no name server/ });
  for (const name of ['', 'a b', '-a', 'a..b', 'x'.repeat(300), '10.0.0.1:123', '/dev/ptp0', 'é']) {
    t.match(await rejection(made.named(name)), { code: status.INVALID_ARGUMENT }, name);
  }
  t.match(await rejection(made.named('192.0.2.99')), { code: status.UNKNOWN, message: /did not answer/ });
  const other = await handlers({ timeServers: [], nameServers: ['192.0.2.53'] });
  t.teardown(() => other.rig.stop());
  t.match(await rejection(other.made.named('nobody.example')), {
    code: status.NOT_FOUND,
    message: /cannot be found/,
  });
});

t.test('over the API', async (t) => {
  const { rig } = await handlers({ timeServers: [], nameServers: [] });
  t.teardown(() => rig.stop());
  const client = (await rig.clientWith(['os:reader'])).grpc;
  const { Time } = TimeServiceDefinition;
  const reply = new Promise((resolve, reject) => {
    const serialize = Time.requestSerialize as (value: object) => Buffer;
    client.makeUnaryRequest(Time.path, serialize, Time.responseDeserialize, {}, (error, value) =>
      error ? reject(error) : resolve(value),
    );
  });
  t.match(await rejection(reply), { code: status.FAILED_PRECONDITION, details: /machine\.time\.servers/ });
});
