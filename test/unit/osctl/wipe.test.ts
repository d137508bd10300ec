/** osctl wipe disk: how long it waits is up to what is wiped. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import t from 'tap';
import { FakeNode } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(60_000);

const HOUR_MS = 3_600_000;

t.test('wipe disk', async (t) => {
  const home = await OsctlHome.create();
  const leftMs: number[] = [];
  const requests: unknown[] = [];
  const node = await FakeNode.start({
    handlers: {
      BlockDeviceWipe: async (request: { devices: { device: string }[] }, call: ServerUnaryCall<unknown, unknown>) => {
        requests.push(request);
        leftMs.push(Number(call.getDeadline()) - Date.now());
        if (request.devices.length > 1) await delay(2000);
        return { messages: [{}] };
      },
    },
  });
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const config = await home.write('config', node.talosconfig());
  const wipe = (...words: string[]) => home.run('--talosconfig', config, 'wipe', 'disk', ...words);

  t.match(await wipe('vdb'), { code: 0, stdout: '', stderr: /vdb wiped\n$/ });
  t.match(requests[0], { devices: [{ device: 'vdb', method: 0 }] });
  t.ok((leftMs[0] ?? HOUR_MS) <= 10_000, 'marks are a moment');

  t.match(await wipe('vdb', '--method', 'ZEROES'), { code: 0 });
  t.match(requests[1], { devices: [{ device: 'vdb', method: 1 }] });
  t.ok((leftMs[1] ?? 0) > 24 * HOUR_MS, 'the whole disk is not');

  const late = await wipe('vdb', 'vdc', '--method', 'ZEROES', '--timeout', '1s');
  t.match(late, { code: 3, stderr: /did not answer in time/ });
});
