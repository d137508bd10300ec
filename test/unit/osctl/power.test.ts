/** Reboot and shutdown: the order is given, and the waiting ends when the node is back, gone, or patience is at its end. */

import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { FakeNode } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

const version = () => ({ messages: [{ version: { tag: 'v1' } }] });

t.test('power', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());

  await t.test('reboot: waits until the node is back', async (t) => {
    const requests: unknown[] = [];
    let back: FakeNode | undefined;
    const node = await FakeNode.start({
      handlers: {
        Version: version,
        Reboot: (request) => {
          requests.push(request);
          delay(300)
            .then(() => node[Symbol.asyncDispose]())
            .then(() => delay(1500))
            .then(async () => {
              back = await FakeNode.start({ handlers: { Version: version }, secrets: node.secrets, port: node.port });
            });
          return { messages: [{ actorId: 'x' }] };
        },
      },
    });
    const config = await home.write('config', node.talosconfig());
    const { code, stdout, stderr } = await home.run('--talosconfig', config, 'reboot', '-m', 'powercycle');
    t.equal(code, 0, stderr);
    t.equal(stdout, '');
    t.match(stderr, /rebooting\n.*: back after /s);
    t.match(requests, [{ mode: 1 }]);
    t.ok(back, 'it was not there before the second start');
    await back?.[Symbol.asyncDispose]();
  });

  await t.test('shutdown: waits until the node is gone', async (t) => {
    const node = await FakeNode.start({
      handlers: {
        Version: version,
        Shutdown: () => {
          delay(700).then(() => node[Symbol.asyncDispose]());
          return { messages: [{ actorId: 'x' }] };
        },
      },
    });
    const config = await home.write('config', node.talosconfig());
    const { code, stderr } = await home.run('--talosconfig', config, 'shutdown');
    t.equal(code, 0, stderr);
    t.match(stderr, /shutting down\n.*: answers no more/s);
  });

  await t.test('without waiting, and with patience at its end', async (t) => {
    const node = await FakeNode.start({
      handlers: { Version: version, Reboot: () => ({ messages: [{ actorId: 'x' }] }) },
    });
    t.teardown(() => node[Symbol.asyncDispose]());
    const config = await home.write('config', node.talosconfig());
    const ordered = await home.run('--talosconfig', config, 'reboot', '--no-wait');
    t.equal(ordered.code, 0);
    t.match(ordered.stderr, /reboot ordered/);
    const begin = performance.now();
    const late = await home.run('--talosconfig', config, 'reboot', '--timeout', '1s');
    t.equal(late.code, 3);
    t.match(late.stderr, /did not go down in time/);
    t.ok(performance.now() - begin < 10_000);
  });
});
