import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import t from 'tap';
import { establishedTo } from '../../../benchmarks/lib/established.js';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1
   1: 0100007F:D431 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 102 1
   2: 0100007F:0050 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 103 1
   3: 0100007F:D432 0100007F:0050 06 00000000:00000000 03:00000000 00000000     0        0 0 3
   4: 0100007F:D433 0100007F:0051 01 00000000:00000000 00:00000000 00000000     0        0 104 1
`;

t.test('connections to a port: neither its listener, nor their other ends, nor what has ended', async (t) => {
  t.equal(establishedTo(80, TABLE), 1);
  t.equal(establishedTo(0x51, TABLE), 1);
  t.equal(establishedTo(0x52, TABLE), 0);
  t.equal(establishedTo(80, ''), 0);
});

t.test('those of this host', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const count = () => establishedTo(port, readFileSync('/proc/self/net/tcp', 'latin1'));
  t.equal(count(), 0);
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  t.equal(count(), 2);
  for (const socket of sockets) socket.destroy();
  server.close();
});
