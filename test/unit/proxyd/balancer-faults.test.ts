/** What seldom happens to the balancer: a server that comes back at the wrong moment, a process without descriptors. */
import t from 'tap';
import type { FileDescriptor } from '../../../lib/native/contract.js';
import { loadNative } from '../../../lib/native/index.js';
import { until } from '../osd/support/rig.js';
import { Backend, balanced, Client } from './support/servers.js';

const up = (lines: string[], { port }: Backend) => lines.some((line) => line.endsWith(`${port}: unknown → up`));

t.test('a server that is named again is looked at again', async (t) => {
  const a = await Backend.start(t, 'a');
  const { port, lines, balancer } = await balanced(t, [a], { probeIntervalMs: 60_000 });
  await until(() => up(lines, a), 'it is up');
  const client = await Client.connect(t, port);
  t.equal(await client.ask('x'), 'a:x');
  // It stays known until its last connection is over, and is another one when it comes back before the next look.
  balancer.use([]);
  client.socket.resetAndDestroy();
  await until(() => balancer.backends.all.length === 0, 'it is forgotten');
  const mark = lines.length;
  balancer.use([a.address]);
  await until(() => up(lines.slice(mark), a), 'it is up again');
});

t.test('without descriptors for the addon connections go on here', async (t) => {
  const a = await Backend.start(t, 'a');
  const native = loadNative();
  let isFull = true;
  const duplicate = (descriptor: FileDescriptor) => {
    if (isFull) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    return native.descriptor.duplicate(descriptor);
  };
  const start: typeof native.relay.start = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  const full = { descriptor: { ...native.descriptor, duplicate }, relay: { start } };
  const { port, lines, balancer } = await balanced(t, [a], {}, full);
  const client = await Client.connect(t, port);
  t.equal(await client.ask('one'), 'a:one');
  t.equal(await client.ask('two'), 'a:two');
  t.equal(balancer.connections, 1);
  isFull = false;
  await client.ask('three').catch(() => {});
  t.equal(await client.over, 'reset');
  t.equal(lines.at(-1), 'a connection was not served: it could not be handed over: no space');
});
