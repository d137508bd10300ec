/** ApplyConfiguration from a client of the API to machined's keeper, over a real osd and a control connection. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { CONFIG_TOO_LARGE, MAX_CONFIG_BYTES, MAX_CONFIG_REQUEST_BYTES } from '../../../lib/config/index.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { rejection } from '../osd/support/rig.js';
import { apiStack } from './api-stack.js';
import { generated } from './fixtures.js';

const { Mode } = machine.ApplyConfigurationRequest;

t.test('a config goes to machined, whatever its size, and its answer back', async (t) => {
  const { controlplane } = await generated();
  const { rig, stored } = await apiStack(t, controlplane);
  const client = await rig.clientWith(['os:admin']);
  const apply = async (data: string | Buffer, change: object = {}) =>
    (await client.unary('ApplyConfiguration', { data: Buffer.from(data), mode: Mode.AUTO, ...change })).messages?.[0];

  const answer = await apply(controlplane.replace('node-1', 'node-2'), { dryRun: true });
  t.match(answer, { metadata: { hostname: 'node-1' }, mode: Mode.NO_REBOOT });
  t.match(answer?.modeDetails, /hostname: node-2/);
  t.equal(stored(), '');

  const comment = '# a comment that makes the config long\n';
  for (const bytes of [60 * 1024, 61 * 1024, MAX_CONFIG_BYTES]) {
    const fill = comment.repeat(Math.floor((bytes - controlplane.length) / comment.length));
    const large = fill + controlplane + '#'.repeat(bytes - fill.length - controlplane.length);
    t.equal(large.length, bytes);
    t.match(await apply(large), { mode: Mode.NO_REBOOT, modeDetails: /no changes/ }, `${bytes} bytes`);
    t.ok(stored() === large, 'stored as it was sent');
  }
  // machined says it of what osd lets through, osd of what is larger still.
  const details = `the machine config ${CONFIG_TOO_LARGE}`;
  const { length } = controlplane;
  t.match(await rejection(apply('#'.repeat(MAX_CONFIG_BYTES - length) + controlplane + '#')), {
    code: status.INVALID_ARGUMENT,
    details,
  });
  for (const bytes of [MAX_CONFIG_REQUEST_BYTES, 3 * MAX_CONFIG_BYTES]) {
    t.match(await rejection(apply(Buffer.alloc(bytes, 35))), { code: status.RESOURCE_EXHAUSTED, details });
  }
  t.match(await rejection(apply(Buffer.from([0x80]))), { code: status.INVALID_ARGUMENT, details: /is not text/ });
  t.match(await rejection(apply(controlplane, { mode: 77 })), {
    code: status.INVALID_ARGUMENT,
    details: 'there is no mode 77',
  });
  t.match(await apply(controlplane, { mode: Mode.TRY, tryModeTimeout: { seconds: 0, nanos: 20_000_000 } }), {
    mode: Mode.TRY,
  });
  t.match(await apply(controlplane), { mode: Mode.NO_REBOOT }, 'and after all of that it works');
});
