import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { symlink, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import t from 'tap';
import { MIB } from '../../../lib/base/units.js';
import { isListening } from '../../../lib/os/proc/sockets.js';
import { readSockets, socketOwners } from '../../../lib/os/sockets.js';

t.test('our own sockets, and who has them', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const datagrams = createSocket('udp6').bind(0, '::1');
  await once(datagrams, 'listening');
  t.teardown(() => {
    client.destroy();
    server.close();
    datagrams.close();
  });
  const sockets = await readSockets(['tcp', 'udp6']);
  const listener = sockets.find(
    ({ localport, l4proto, state }) => localport === port && l4proto === 'tcp' && state === 10,
  );
  const connection = sockets.find(({ remoteport, state }) => remoteport === port && state === 1);
  const bound = sockets.find(({ l4proto, localport }) => l4proto === 'udp6' && localport === datagrams.address().port);
  t.ok(listener && connection && bound);
  if (!listener || !connection || !bound) return;
  t.strictSame([listener, connection, bound].map(isListening), [true, false, true]);
  t.equal(bound.localip, '::1');
  const owners = await socketOwners(new Set([listener.inode, connection.inode, bound.inode]));
  for (const { inode } of [listener, connection, bound]) {
    t.strictSame(owners.get(inode), { pid: process.pid, name: basename(process.argv0) });
  }
  const gone = new AbortController();
  gone.abort(new Error('nobody waits'));
  await t.rejects(socketOwners(new Set([1]), { signal: gone.signal }), /nobody waits/);
});

t.test('owners: the lowest number, several of one process, those that go away', async (t) => {
  const proc = t.testdir({
    1: { fd: {}, cmdline: '', comm: 'init\n' },
    12: { fd: {}, cmdline: '/usr/sbin/thing\0--flag\0', comm: 'MainThread\n' },
    105: { fd: {}, cmdline: 'other\0', comm: 'other\n' },
    200: {},
    self: {},
  });
  const links: [number, string][] = [
    [12, 'socket:[70]'],
    [12, 'socket:[71]'],
    [12, 'pipe:[72]'],
    [105, 'socket:[70]'],
    [1, 'socket:[73]'],
    [1, '/dev/null'],
  ];
  for (const [at, [pid, link]] of links.entries()) await symlink(link, join(proc, String(pid), 'fd', String(at)));
  const owners = await socketOwners(new Set([70, 71, 72, 73, 99]), { proc });
  t.strictSame(
    [...owners].sort(([one], [other]) => one - other),
    [
      [70, { pid: 12, name: 'thing' }],
      [71, { pid: 12, name: 'thing' }],
      [73, { pid: 1, name: 'init' }],
    ],
  );
  t.strictSame([...(await socketOwners(new Set(), { proc }))], []);
});

t.test('protocols that are not there, and more sockets than can be told', async (t) => {
  const proc = t.testdir({ net: {} });
  t.strictSame(await readSockets(['tcp', 'udplite'], proc), []);
  const path = join(proc, 'net', 'raw');
  await writeFile(path, '');
  await truncate(path, 33 * MIB);
  await t.rejects(readSockets(['raw'], proc), { code: 'EFBIG', path });
});
