/** grpc.health.v1 as probes of all kinds use it. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { grpc } from '../../../lib/gen/machine/machine.js';
import { HealthDefinition } from '../../../lib/gen/machine/service.js';
import { Rig, rejection, until } from './support/rig.js';

const { ServingStatus } = grpc.health.v1.HealthCheckResponse;

t.test('health', async (t) => {
  const rig = await Rig.start();
  t.teardown(() => rig.stop());
  const client = (await rig.clientWith(['os:reader'])).grpc;
  const { Check, Watch } = HealthDefinition;
  const check = (service: string) =>
    new Promise<grpc.health.v1.HealthCheckResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        Check.path,
        Check.requestSerialize as (value: object) => Buffer,
        Check.responseDeserialize,
        { service },
        (error, reply) => (error ? reject(error) : resolve(reply as grpc.health.v1.HealthCheckResponse)),
      );
    });
  const watch = (service: string) => {
    const call = client.makeServerStreamRequest(
      Watch.path,
      Watch.requestSerialize as (value: object) => Buffer,
      Watch.responseDeserialize,
      { service },
    );
    const state: { seen: number[]; code?: status } = { seen: [] };
    call.on('data', (reply: grpc.health.v1.HealthCheckResponse) => state.seen.push(reply.status));
    call.on('error', () => {});
    call.on('status', ({ code }) => {
      state.code = code;
    });
    return state;
  };

  const names = [
    '',
    'machine.MachineService',
    'osd.NetworkService',
    'storage.StorageService',
    'time.TimeService',
    'grpc.health.v1.Health',
  ];
  for (const name of names) t.equal((await check(name)).status, ServingStatus.SERVING, name);
  t.match(await rejection(check('nobody')), {
    code: status.NOT_FOUND,
    details: /no service "nobody"; there are machine\.MachineService, /,
  });

  const all = watch('');
  const unknown = watch('nobody');
  await until(() => all.seen.length === 1 && unknown.seen.length === 1, 'the first answers');
  void rig.server.drain();
  await until(() => all.seen.length === 2, 'it changes');
  t.same(all.seen, [ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  await rig.server.close(2000);
  await until(() => all.code !== undefined && unknown.code !== undefined, 'both end');
  t.equal(all.code, status.UNAVAILABLE);
  t.same(unknown.seen, [ServingStatus.SERVICE_UNKNOWN]);
});
