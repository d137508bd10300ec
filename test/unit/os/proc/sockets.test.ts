import t from 'tap';
import { isListening, parseSockets, type Socket, type SocketProtocol } from '../../../../lib/os/proc/sockets.js';
import { fixture } from './fixtures.js';

const parsed = (text: string, protocol: SocketProtocol): Socket[] => [...parseSockets(text, protocol)].flat();

const TITLE = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

for (const architecture of ['x86_64', 'arm64'] as const) {
  t.test(architecture, async (t) => {
    const [listener, ...others] = parsed(fixture(architecture, 'tcp6'), 'tcp6');
    t.strictSame(others, []);
    t.match(listener, { l4proto: 'tcp6', localip: '::', localport: 50_000, remoteip: '::', remoteport: 0, state: 10 });
    t.ok(listener && isListening(listener));
    const datagrams = parsed(fixture(architecture, 'udp'), 'udp');
    t.match(datagrams, [
      { localip: '127.0.0.1', localport: 123, remoteip: '0.0.0.0', remoteport: 0, state: 7, ref: 2 },
      { localip: '127.0.0.1', localport: 124, remoteip: '127.0.0.1', remoteport: 123, state: 1 },
    ]);
    t.strictSame(datagrams.map(isListening), [true, false], 'one that is connected listens to nobody else');
  });
}

t.test('every column', async (t) => {
  const line =
    '   1: 0100A8C0:0016 0200A8C0:D431 01 0000002A:000000FF 02:000A0B0C 00000003  1000        5 12345 2 ffff888012345678 20 4 1 10 -1\n';
  t.strictSame(parsed(TITLE + line, 'tcp'), [
    {
      l4proto: 'tcp',
      ...{ localip: '192.168.0.1', localport: 22, remoteip: '192.168.0.2', remoteport: 54_321, state: 1 },
      ...{ txqueue: 42, rxqueue: 255, tr: 2, timerwhen: 0x0a0b0c, retrnsmt: 3, uid: 1000, timeout: 5, inode: 12_345 },
      ref: 2,
      // More than a double holds exactly.
      pointer: 0,
    },
  ]);
  t.strictSame(parsed(TITLE, 'tcp'), []);
  t.strictSame(parsed('', 'tcp'), []);
});

t.test('many: in pieces, none missing', async (t) => {
  const lines = Array.from(
    { length: 2500 },
    (_, at) => `${at}: 0100007F:0001 0100007F:0002 01 0:0 0:0 0 0 0 ${at} 1 0\n`,
  );
  const pieces = [...parseSockets(TITLE + lines.join(''), 'tcp')];
  t.ok(pieces.length > 1);
  t.strictSame(
    pieces.flat().map(({ inode }) => inode),
    lines.map((_, at) => at),
  );
});

t.test('addresses of IPv6', async (t) => {
  const addresses = {
    '00000000000000000000000001000000': '::1',
    B80D0120000000000000000001000000: '2001:db8::1',
    '0000000000000000FFFF00000F02000A': '::ffff:10.0.2.15',
    '000080FE00000000FF005452563412FE': 'fe80::5254:ff:fe12:3456',
  };
  for (const [digits, address] of Object.entries(addresses)) {
    const [socket] = parsed(`${TITLE}   0: ${digits}:0001 ${'0'.repeat(32)}:0000 07 0:0 0:0 0 0 0 1 1 0\n`, 'udp6');
    t.equal(socket?.localip, address);
  }
});

t.test('who listens', async (t) => {
  const socket = { l4proto: 'tcp', state: 1, remoteip: '0.0.0.0', remoteport: 0 } as Socket;
  t.notOk(isListening(socket));
  t.notOk(isListening({ ...socket, state: 7 }), 'a closed TCP socket');
  t.ok(isListening({ ...socket, l4proto: 'raw', state: 7 }));
  t.ok(isListening({ ...socket, l4proto: 'raw6', state: 7, remoteip: '::' }));
  t.notOk(isListening({ ...socket, l4proto: 'udp', state: 1 }), 'a state of its own');
  t.notOk(isListening({ ...socket, l4proto: 'udp', state: 7, remoteip: '10.0.0.1' }));
});
