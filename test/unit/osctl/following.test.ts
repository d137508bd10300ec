/** Following several nodes of which one is not there, or goes: told when it happens, while the others go on. */
import { once } from 'node:events';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { closedPort, FakeNode, statusError } from '../client/fake-node.js';
import { handlers } from './operating-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

type Call = ServerWritableStream<unknown, unknown>;

/** Says a line, and nothing more until the client goes. */
const endless = async (_request: unknown, call: Call) => {
  call.write({ bytes: Buffer.from('kern:    info: [2026]: a line\n') });
  await once(call, 'cancelled');
};

async function twoNodes(t: Test) {
  const home = await OsctlHome.create();
  const node = await FakeNode.start({
    handlers: { ...handlers('one'), Logs: endless, Dmesg: endless, Events: endless },
  });
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const gone = `127.0.0.1:${await closedPort()}`;
  const endpoints = [node.endpoint, gone];
  const config = await home.write('config', node.talosconfig({ endpoints, nodes: endpoints }));
  return { home, node, gone, config };
}

t.test('one that cannot be reached', async (t) => {
  const { home, node, gone, config } = await twoNodes(t);
  for (const words of [['logs', '-f'], ['logs', '-f', 'osd'], ['dmesg', '-f'], ['events']]) {
    const child = home.start('--talosconfig', config, ...words);
    const ended = once(child, 'close');
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const said = Promise.all([once(child.stdout, 'data'), once(child.stderr, 'data')]);
    await Promise.race([said, ended]);
    t.equal(child.exitCode, null, `${words.join(' ')} goes on`);
    t.match(stderr, `osctl: ${gone}: cannot reach ${gone}: connection refused\n`);
    t.match(stdout, words[0] === 'events' ? /^NODE/ : new RegExp(`^${node.endpoint} .*a line$`, 'm'));
    child.kill();
    await ended;
  }
});

t.test('logs of all services: a node without an answer takes nothing from the others', async (t) => {
  const node = await FakeNode.start({ handlers: handlers('one') });
  const other = await FakeNode.start({
    secrets: node.secrets,
    handlers: {
      LogsContainers: () => {
        throw statusError(status.PERMISSION_DENIED, 'not for you');
      },
    },
  });
  const home = await OsctlHome.create();
  t.teardown(async () => {
    await node[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });
  const endpoints = [node.endpoint, other.endpoint];
  const config = await home.write('config', node.talosconfig({ endpoints, nodes: endpoints }));
  const { code, stdout, stderr } = await home.run('--talosconfig', config, 'logs', '-f');
  t.match(stdout, new RegExp(`^${node.endpoint} osd +osd 1 tail=-1$`, 'm'));
  t.equal(stderr, `osctl: ${other.endpoint}: PERMISSION_DENIED: not for you\n`);
  t.equal(code, 4);
});
