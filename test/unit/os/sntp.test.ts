/** Asking for the time: a real server on a port of this host that answers as it is told, truthfully or not. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { querySntp, readAnswer } from '../../../lib/os/sntp.js';
import { answerTo, writeTime } from '../../helpers/time-server.js';

/** Answers with whatever `answers` gives for a request. */
async function server(t: Test, answers: (request: Buffer, from: RemoteInfo) => Buffer[], address = '127.0.0.1') {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const requests: Buffer[] = [];
  socket.on('message', (request, from) => {
    requests.push(request);
    for (const answer of answers(request, from)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const ask = (timeoutMs = 5000) => querySntp(address, { port: socket.address().port, timeoutMs });
  return { ask, requests, socket };
}

async function failure(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'it did not fail',
    (error) => `${error.code}: ${error.message}`,
  );
}

t.test('the offset of the clocks, by IPv4 and IPv6', async (t) => {
  for (const address of ['127.0.0.1', '::1']) {
    for (const aheadMs of [0, 90_000, -3_600_000]) {
      const { ask, requests } = await server(t, (request) => [answerTo(request, { aheadMs })], address);
      const { offsetMs, delayMs, stratum, localMs, remoteMs } = await ask();
      t.ok(Math.abs(offsetMs - aheadMs) < 200, `${address}: ${offsetMs} is about ${aheadMs}`);
      t.ok(delayMs >= 0 && delayMs < 400);
      t.equal(stratum, 2);
      t.ok(Math.abs(remoteMs - localMs - offsetMs) < 1);
      const [request] = requests;
      t.equal(request?.length, 48);
      t.equal(request?.[0], 0x23);
      t.notOk(
        request?.subarray(1, 40).some((byte) => byte !== 0),
        'nothing is told about this node',
      );
    }
  }
});

t.test('each request is told from the one before', async (t) => {
  const { ask, requests } = await server(t, (request) => [answerTo(request)]);
  await ask();
  await ask();
  t.notSame(requests[0]?.subarray(40), requests[1]?.subarray(40));
});

t.test('what is not from the server that was asked is passed over', async (t) => {
  const forge = (change: (packet: Buffer) => void) => (request: Buffer) => {
    const packet = answerTo(request, { aheadMs: 1e9 });
    change(packet);
    return packet;
  };
  const forgeries = [
    forge((packet) => packet.fill(0, 24, 32)),
    forge((packet) => packet.writeUInt8(packet.readUInt8(31) ^ 1, 31)),
    forge((packet) => packet.writeUInt8(0x23, 0)),
    forge((packet) => packet.writeUInt8(0x04, 0)),
    (request: Buffer) => answerTo(request).subarray(0, 47),
    () => Buffer.alloc(0),
  ];
  const { ask } = await server(t, (request) => [...forgeries.map((make) => make(request)), answerTo(request)]);
  t.ok(Math.abs((await ask()).offsetMs) < 200, 'the good one behind them counts');
  const { ask: askLiar } = await server(t, (request) => forgeries.map((make) => make(request)));
  t.match(
    await failure(askLiar(200)),
    /ERR_TIME_SERVER: .* did not answer within 0.2 s; what came was not taken: a dat/,
  );

  const other = createSocket('udp4');
  t.teardown(() => other.close());
  const { ask: askBehind } = await server(t, (request, from) => {
    other.send(answerTo(request, { aheadMs: 1e9 }), from.port, from.address);
    return [];
  });
  t.match(await failure(askBehind(200)), /did not answer within 0.2 s$/, 'another source is not heard at all');
});

t.test('a server that should not be believed', async (t) => {
  const cases: [string, RegExp, (packet: Buffer) => void][] = [
    [
      'kiss of death',
      /wants not to be asked \(RATE\)/,
      (packet) => packet.writeUInt8(0, 1) && packet.write('RATE', 12),
    ],
    ['kiss of death without a code', /it does not say why/, (packet) => void packet.writeUInt8(0, 1)],
    ['not synchronised', /does not know the time itself/, (packet) => void packet.writeUInt8(0xe4, 0)],
    ['stratum 16', /does not know the time itself/, (packet) => void packet.writeUInt8(16, 1)],
    ['far from its source', /may be 600\d\d ms wrong/, (packet) => void packet.writeUInt32BE(60 << 16, 8)],
    ['no time', /sent no time/, (packet) => void packet.fill(0, 40, 48)],
    ['sent before it was received', /cannot be true/, (packet) => writeTime(packet, 32, Date.now() + 60_000)],
    [
      'thought about it longer than we waited',
      /cannot be true/,
      (packet) => writeTime(packet, 32, Date.now() - 60_000),
    ],
  ];
  for (const [name, expected, change] of cases) {
    const { ask } = await server(t, (request) => {
      const packet = answerTo(request);
      change(packet);
      return [packet];
    });
    t.match(await failure(ask()), expected, name);
  }
});

t.test('nobody there', async (t) => {
  const { socket } = await server(t, () => []);
  const { port } = socket.address();
  t.match(await failure(querySntp('127.0.0.1', { port, timeoutMs: 100 })), /did not answer within 0.1 s$/);
  const gone = createSocket('udp4').bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const closed = gone.address().port;
  gone.close();
  await once(gone, 'close');
  t.match(await failure(querySntp('127.0.0.1', { port: closed })), /ERR_TIME_SERVER: .*ECONNREFUSED/);
});

t.test('no way to the server', async (t) => {
  // The kernel refuses to connect to either, as it does to any address while there is no route.
  for (const address of ['255.255.255.255', 'fe80::1']) {
    t.match(await failure(querySntp(address)), new RegExp(`time server ${address} cannot be reached: connect E`));
  }
});

t.test('the era that begins in 2036', async (t) => {
  const cookie = Buffer.alloc(8, 7);
  const packet = answerTo(Buffer.concat([Buffer.alloc(40), cookie]));
  const later = Date.UTC(2040, 0, 1);
  writeTime(packet, 32, later);
  writeTime(packet, 40, later);
  const found = readAnswer(packet, cookie, later - 1, 2);
  t.match(found, { answer: { delayMs: 2 } });
  t.ok('answer' in found && Math.abs(found.answer.offsetMs) < 1);
});

t.test('no datagram breaks it', async (t) => {
  const cookie = Buffer.alloc(8, 7);
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 16;
  };
  let answers = 0;
  for (let round = 0; round < 50_000; round++) {
    const packet = answerTo(Buffer.concat([Buffer.alloc(40), cookie]));
    const changes = random() % 12;
    for (let change = 0; change < changes; change++) packet[random() % 48] = random() & 0xff;
    const found = readAnswer(packet.subarray(0, random() % 8 === 0 ? random() % 60 : 48), cookie, Date.now(), 1);
    if (!('answer' in found)) continue;
    answers++;
    if (!Number.isFinite(found.answer.offsetMs) || !(found.answer.delayMs >= 0)) t.fail(packet.toString('hex'));
  }
  t.ok(answers > 1000, `${answers} were taken`);
});
