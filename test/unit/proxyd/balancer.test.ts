/** The balancer between real sockets. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { MIB } from '../../../lib/base/units.js';
import { DEFAULT_LIMITS } from '../../../lib/proxyd/limits.js';
import { until } from '../osd/support/rig.js';
import { Backend, balanced, Client } from './support/servers.js';

const up = (lines: string[], { port }: Backend) => lines.some((line) => line.endsWith(`${port}: unknown → up`));

t.test('a backend that has vanished is found dead within 5 s', (t) => {
  const { probeIntervalMs, probeTimeoutMs, probeAgainMs, probeFailures } = DEFAULT_LIMITS;
  t.ok(probeIntervalMs + probeFailures * probeTimeoutMs + (probeFailures - 1) * probeAgainMs < 5000);
  t.end();
});

t.test('connections are shared, and those that last count', async (t) => {
  const backends = [await Backend.start(t, 'a'), await Backend.start(t, 'b'), await Backend.start(t, 'c')];
  const { port, lines, health } = await balanced(t, backends);
  await until(() => backends.every((backend) => up(lines, backend)), 'all are up');
  t.same(health, [true]);
  const names = [];
  for (let at = 0; at < 9; at += 1) names.push((await (await Client.connect(t, port)).ask('x')).slice(0, 1));
  t.same(names.sort().join(''), 'aaabbbccc');
});

t.test('a fallback is there for when nobody else is', async (t) => {
  const [a, b] = [await Backend.start(t, 'a'), await Backend.start(t, 'b')];
  const { port, lines, balancer } = await balanced(t, []);
  const ask = async () => (await Client.connect(t, port)).ask('x');
  balancer.use([{ ...a.address, isFallback: true }, b.address]);
  await until(() => up(lines, a) && up(lines, b), 'both are up');
  for (let at = 0; at < 6; at += 1) t.equal(await ask(), 'b:x');
  b.kill();
  for (let at = 0; at < 6; at += 1) t.equal(await ask(), 'a:x', 'at once');
  await until(() => lines.some((line) => line.endsWith(`${b.port}: up → refusing`)), 'it is seen');
  await b.up();
  await until(() => lines.some((line) => line.endsWith(`${b.port}: refusing → up`)), 'it is back');
  t.equal(await ask(), 'b:x');
  balancer.use([a.address, { ...a.address, isFallback: true }, b.address]);
  // Those of before last: it has fewer again after so many.
  const names = new Set<string>();
  for (let at = 0; at < 12; at += 1) names.add(await ask());
  t.same([...names].sort(), ['a:x', 'b:x'], 'one that is named as both is none');
});

t.test('no new connection fails while one backend lives', async (t) => {
  const [a, b] = [await Backend.start(t, 'a'), await Backend.start(t, 'b')];
  const { port, lines, health } = await balanced(t, [a, b], { probeIntervalMs: 60_000 });
  await until(() => up(lines, a) && up(lines, b), 'both are up');
  a.kill();
  // Nobody has looked at it since: each connection finds out by itself.
  for (let at = 0; at < 20; at += 1) t.equal(await (await Client.connect(t, port)).ask('x'), 'b:x');
  b.kill();
  await a.up();
  for (let at = 0; at < 20; at += 1) t.equal(await (await Client.connect(t, port)).ask('x'), 'a:x');
  a.kill();
  const client = await Client.connect(t, port);
  t.equal(await client.over, 'reset', 'with none left the client is told at once');
  t.match(
    lines.at(-1),
    /^a connection was not served: 127\.0\.0\.1:\d+: connect ECONNREFUSED .*; 127\.0\.0\.1:\d+: connect/,
  );
  t.same(health, [true], 'nobody has looked');
});

t.test('a backend that accepts and is gone before a byte: the next one gets all that was sent', async (t) => {
  const resets = await Backend.start(t, 'resets', (socket) => void socket.on('data', () => socket.resetAndDestroy()));
  const ends = await Backend.start(t, 'ends', (socket) => void socket.on('data', () => socket.end()));
  const never = await Backend.start(t, 'never', (socket) => socket.resetAndDestroy());
  const good = await Backend.start(t, 'good');
  const { port, lines } = await balanced(t, [resets, ends, never, good]);
  await until(() => [resets, ends, good].every((backend) => up(lines, backend)), 'they are up');
  for (let at = 0; at < 12; at += 1) t.equal(await (await Client.connect(t, port)).ask('hello'), 'good:hello');
  t.ok(resets.accepted > 3 && ends.accepted > 3, 'they were tried');
});

t.test('what is more than is kept goes to one backend only', async (t) => {
  let got = 0;
  const first = await Backend.start(t, 'first', (socket) => {
    socket.on('data', (chunk) => {
      got += chunk.length;
      if (got > 5000) socket.resetAndDestroy();
    });
  });
  const { port, lines, balancer } = await balanced(t, [first], { maxReplayBytes: 1000 });
  await until(() => up(lines, first), 'it is up');
  const second = await Backend.start(t, 'second');
  const client = await Client.connect(t, port);
  client.socket.write(Buffer.alloc(2000));
  await until(() => got === 2000, 'it was sent');
  balancer.use([first.address, second.address]);
  client.socket.write(Buffer.alloc(4000));
  t.equal(await client.over, 'reset', 'the client has to know');
});

t.test('a backend that was settled with: its reset is the client’s', async (t) => {
  const a = await Backend.start(t, 'a');
  const b = await Backend.start(t, 'b');
  const { port, lines, balancer } = await balanced(t, [a, b]);
  await until(() => up(lines, a) && up(lines, b), 'both are up');
  const clients = [];
  for (let at = 0; at < 6; at += 1) clients.push(await Client.connect(t, port));
  const answers = await Promise.all(clients.map((client) => client.ask('x')));
  a.kill();
  const atA = clients.filter((_, at) => answers[at]?.startsWith('a'));
  t.equal(atA.length, 3);
  t.same(await Promise.all(atA.map(({ over }) => over)), ['reset', 'reset', 'reset']);
  for (const client of clients.filter((client) => !atA.includes(client))) t.equal(await client.ask('y'), 'b:y');
  await until(() => balancer.connections === 3, 'what is over is forgotten');
});

t.test('a backend that stops in order serves what it has to the end', async (t) => {
  const a = await Backend.start(t, 'a');
  const b = await Backend.start(t, 'b');
  const { port, lines } = await balanced(t, [a]);
  await until(() => up(lines, a), 'it is up');
  const old = await Client.connect(t, port);
  t.equal(await old.ask('x'), 'a:x');
  a.refuse();
  await until(() => lines.some((line) => line.endsWith('up → refusing')), 'it is seen');
  t.equal(await old.ask('y'), 'a:y');
  await a.up();
  await until(() => lines.some((line) => line.endsWith('refusing → up')), 'and that it is back');
  t.equal(await (await Client.connect(t, port)).ask('z'), 'a:z');
  t.equal(b.accepted, 0);
});

t.test('servers that are not named any more: no new connections, the old ones stay', async (t) => {
  const [a, b] = [await Backend.start(t, 'a'), await Backend.start(t, 'b')];
  const { port, lines, balancer } = await balanced(t, [a]);
  await until(() => up(lines, a), 'it is up');
  const old = await Client.connect(t, port);
  t.equal(await old.ask('x'), 'a:x');
  balancer.use([b.address, { host: '127.0.0.1', port }]);
  t.same(
    balancer.backends.order().map(({ name }) => name),
    [`127.0.0.1:${b.port}`],
    'never itself',
  );
  t.equal(await (await Client.connect(t, port)).ask('y'), 'b:y');
  t.equal(await old.ask('z'), 'a:z');
  old.socket.end();
  t.equal(await old.over, 'ended');
  await until(() => balancer.backends.all.length === 1, 'it is forgotten');
});

t.test('half of a connection may be over', async (t) => {
  const a = await Backend.start(t, 'a');
  const { port, lines, balancer } = await balanced(t, [a], { halfClosedTimeoutMs: 300 });
  await until(() => up(lines, a), 'it is up');
  const client = await Client.connect(t, port);
  client.socket.end('question');
  await client.over;
  t.equal(client.text, 'a:questiona:end', 'the answer comes after the client’s end');
  await until(() => balancer.connections === 0, 'both ways are over');

  const quiet = await Backend.start(t, 'quiet', (socket) => void socket.on('data', () => socket.write('yes')));
  balancer.use([quiet.address]);
  await until(() => up(lines, quiet), 'it is up');
  const waiting = await Client.connect(t, port);
  waiting.socket.end('question');
  await until(() => waiting.text === 'yes', 'an answer');
  t.ok(['reset', 'ended'].includes(await waiting.over), 'but not for ever');
  await until(() => balancer.connections === 0, 'it is over');

  let heard = '';
  const talkative = await Backend.start(t, 'talkative', (socket) => {
    socket.end('all there is');
    socket.on('data', (chunk) => {
      heard += chunk;
    });
  });
  balancer.use([talkative.address]);
  await until(() => up(lines, talkative), 'it is up');
  const listener = await Client.connect(t, port);
  await once(listener.socket, 'end');
  t.equal(listener.text, 'all there is');
  listener.socket.end('thanks');
  await until(() => heard === 'thanks', 'the other way goes on');
});

t.test('a client that does not read: bounded, and all of it arrives', async (t) => {
  const total = 64 * MIB;
  const block = randomBytes(MIB);
  let written = 0;
  const source = await Backend.start(t, 'source', (socket: Socket) => {
    const more = () => {
      while (written < total) {
        written += block.length;
        if (!socket.write(block)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  });
  const { port, lines } = await balanced(t, [source], { probeIntervalMs: 60_000 });
  await until(() => up(lines, source), 'it is up');
  written = 0;
  const client = connect({ port, host: '127.0.0.1' });
  t.teardown(() => client.destroy());
  client.pause();
  await once(client, 'connect');
  await until(() => written > 0, 'it has begun');
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  t.ok(written < 32 * MIB, `it stood still after ${written / MIB} MiB, most of it in the kernel's buffers`);
  const hash = createHash('sha256');
  let read = 0;
  client.on('data', (chunk) => {
    hash.update(chunk);
    read += chunk.length;
  });
  client.resume();
  await once(client, 'end');
  const expected = createHash('sha256');
  for (let at = 0; at < read / MIB; at += 1) expected.update(block);
  t.equal(hash.digest('hex'), expected.digest('hex'), `${read / MIB} MiB`);
});

t.test('so many connections, and no more', async (t) => {
  const a = await Backend.start(t, 'a');
  const { balancer, port, lines } = await balanced(t, [a], { maxConnections: 2 });
  const first = await Client.connect(t, port);
  const second = await Client.connect(t, port);
  t.equal(await first.ask('x'), 'a:x');
  t.equal(await second.ask('x'), 'a:x');
  t.equal(await (await Client.connect(t, port)).over, 'reset');
  t.match(lines.join('\n'), /connections are refused: there are 2; 1 so far/);
  first.socket.end();
  await first.over;
  // The client has the end before the balancer has counted it.
  await until(() => balancer.connections === 1, 'its place is free');
  t.equal(await (await Client.connect(t, port)).ask('y'), 'a:y');
});

t.test('without any backend', async (t) => {
  const { port, lines } = await balanced(t, []);
  t.equal(await (await Client.connect(t, port)).over, 'reset');
  t.match(lines.join('\n'), /a connection was not served: there is no backend/);
});
