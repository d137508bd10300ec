/** ApplyConfiguration from a client of the API to machined's keeper, over a real osd and a control connection. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ControlClient } from '../../../lib/control/client.js';
import { ControlServer } from '../../../lib/control/server.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { ConfigKeeper } from '../../../lib/machined/config-keeper.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { ALLOW_LIST } from '../../../lib/machined/main.js';
import { queryHandlers } from '../../../lib/machined/queries/handlers.js';
import { queryTable } from '../../../lib/machined/queries/index.js';
import { loadNative } from '../../../lib/native/index.js';
import { FakeChannels } from '../control/fake-channel.js';
import { Rig, rejection } from '../osd/support/rig.js';
import { generated } from './fixtures.js';

const { Mode } = machine.ApplyConfigurationRequest;

t.test('a config goes to machined, whatever its size, and its answer back', async (t) => {
  const native = loadNative();
  const { controlplane } = await generated();
  let stored = '';
  const config = new ConfigKeeper({
    activate: async () => [],
    store: async (text) => {
      stored = text;
    },
    remember: async () => {},
    reboot: () => {},
    notice: () => {},
  });
  await config.begin(loadConfig(controlplane));
  const log = (text: string) => t.fail(text);
  const channels = new FakeChannels();
  const server = new ControlServer({
    channels,
    allow: ALLOW_LIST,
    log,
    handlers: queryHandlers({
      descriptor: native.descriptor,
      table: async () => queryTable({ native, config, log }),
      log,
    }),
  });
  const [osdEnd, machinedEnd] = channels.pair();
  server.accept(machinedEnd, 'osd');
  const rig = await Rig.start({ machined: new ControlClient(osdEnd, { channels }) });
  t.teardown(() => rig.stop());
  const client = await rig.clientWith(['os:admin']);
  const apply = async (data: string | Buffer, change: object = {}) =>
    (await client.unary('ApplyConfiguration', { data: Buffer.from(data), mode: Mode.AUTO, ...change })).messages?.[0];

  const answer = await apply(controlplane.replace('node-1', 'node-2'), { dryRun: true });
  t.match(answer, { metadata: { hostname: 'node-1' }, mode: Mode.NO_REBOOT });
  t.match(answer?.modeDetails, /hostname: node-2/);
  t.equal(stored, '');

  const comment = '# a long comment\n';
  for (const bytes of [60 * 1024, 61 * 1024, 1024 * 1024]) {
    const fill = comment.repeat(Math.floor((bytes - controlplane.length) / comment.length));
    const large = fill + controlplane + '#'.repeat(bytes - fill.length - controlplane.length);
    t.equal(large.length, bytes);
    t.match(await apply(large), { mode: Mode.NO_REBOOT, modeDetails: /no changes/ }, `${bytes} bytes`);
    t.ok(stored === large, 'stored as it was sent');
  }
  t.match(await rejection(apply(`${'#'.repeat(1024 * 1024)}\n${controlplane}`)), {
    code: status.INVALID_ARGUMENT,
    details: /larger than 1 MiB/,
  });
  t.match(await rejection(apply(Buffer.alloc(3 * 1024 * 1024, 35))), {
    code: status.RESOURCE_EXHAUSTED,
    details: 'the request is larger than 2 MiB',
  });
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
