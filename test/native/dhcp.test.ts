import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { DhcpClientMessage } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { encodeReply, readRequest } from '../helpers/dhcp/wire.js';
import { inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { dhcp } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));
const MAC = '02:00:00:00:00:01';
const DISCOVER: DhcpClientMessage = { type: 'discover', xid: 7, seconds: 0, mac: MAC, maxMessageBytes: 1500 };

if (inNamespaces(import.meta.url, ['--net'])) {
  const ip = (line: string) => execFileSync('ip', line.split(' '));
  ip(`link add veth0 address ${MAC} type veth peer name veth1`);
  for (const name of ['lo', 'veth0', 'veth1']) ip(`link set ${name} up`);
  ip('route add 255.255.255.255/32 dev veth1');
  const indexOf = (name: string): number => JSON.parse(ip(`-j link show ${name}`).toString())[0].ifindex;
  const index = indexOf('veth0');

  t.test('what it writes is read by others as it was meant', async (t) => {
    const given = { clientAddress: '10.0.2.15', requestedAddress: '10.0.2.16', serverId: '10.0.2.2', hostname: 'n1' };
    const request = readRequest(dhcp.encode({ ...DISCOVER, ...given, type: 'request', xid: 0xfedcba98, seconds: 513 }));
    t.match(request, { type: 'request', xid: 0xfedcba98, seconds: 513, mac: MAC, ...given });
    t.ok(request.wanted.indexOf(121) < request.wanted.indexOf(3), 'classless routes are asked for before the router');
    for (const type of ['discover', 'decline', 'release'] as const) {
      const bare = readRequest(dhcp.encode({ ...DISCOVER, type }));
      t.match(bare, { type, clientAddress: '0.0.0.0', requestedAddress: undefined, serverId: undefined });
    }
  });

  t.test('what others write is read', async (t) => {
    const all = encodeReply({
      ...{ type: 'ack', xid: 9, mac: MAC, yourAddress: '10.0.2.15', serverId: '10.0.2.2', leaseSeconds: 0xffff_ffff },
      ...{ renewalSeconds: 5, rebindingSeconds: 0xffff_ffff, prefixLength: 20, routers: ['10.0.2.2'], mtu: 1400 },
      ...{ dnsServers: ['10.0.2.3', '8.8.8.8'], ntpServers: ['10.0.2.4'], domain: 'a.org', hostname: 'n1', text: 'hm' },
      ...{ routes: [{ destination: '10.9.0.0/16', gateway: '10.0.2.9' }, { destination: '192.0.2.1/32' }] },
    });
    t.same(dhcp.decode(all, MAC), {
      type: 'ack',
      xid: 9,
      yourAddress: '10.0.2.15',
      serverId: '10.0.2.2',
      leaseSeconds: Number.POSITIVE_INFINITY,
      renewalSeconds: 5,
      rebindingSeconds: Number.POSITIVE_INFINITY,
      prefixLength: 20,
      routers: ['10.0.2.2'],
      routes: [{ destination: '10.9.0.0/16', gateway: '10.0.2.9' }, { destination: '192.0.2.1/32' }],
      dnsServers: ['10.0.2.3', '8.8.8.8'],
      ntpServers: ['10.0.2.4'],
      domain: 'a.org',
      searchDomains: [],
      mtu: 1400,
      hostname: 'n1',
      text: 'hm',
    });
    const least = encodeReply({ type: 'nak', xid: 1, mac: MAC, serverId: '255.1.1.1' });
    t.throws(() => dhcp.decode(least, MAC), { code: 'EBADMSG', errno: -74, syscall: 'dhcp', message: /no server/ });
    t.throws(() => dhcp.decode(all, '02:00:00:00:00:02'), { message: /for somebody else at offset 28/ });
    t.throws(() => dhcp.decode(all.subarray(0, 245), MAC), {
      message: /option \d+ goes beyond its field at offset \d+/,
    });
  });

  t.test('messages go out and come in', async (t) => {
    const server = createSocket('udp4');
    server.bind(67);
    await once(server, 'listening');
    server.setBroadcast(true);
    const socket = dhcp.open({ index, mac: MAC });
    t.same(socket.receive(), { messages: [], rejected: [] });
    const heard = once(server, 'message');
    socket.broadcast({ ...DISCOVER, xid: 4711 });
    const [payload, { port, address }] = (await heard) as [Buffer, { port: number; address: string }];
    t.match(readRequest(payload), { type: 'discover', xid: 4711 });
    t.same([port, address], [68, '0.0.0.0']);

    const wait = socket.wait();
    t.equal(wait, socket.wait(), 'one wait at a time');
    const reply = {
      type: 'offer',
      xid: 4711,
      mac: MAC,
      yourAddress: '10.5.0.2',
      serverId: '10.5.0.1',
      leaseSeconds: 60,
    } as const;
    server.send(encodeReply(reply), 68, '255.255.255.255');
    await wait;
    t.match(socket.receive(), { messages: [{ type: 'offer', xid: 4711, leaseSeconds: 60 }], rejected: [] });

    const broken = encodeReply(reply);
    broken[236] = 0;
    for (let n = 0; n < 40; n++) server.send(broken, 68, '255.255.255.255');
    await new Promise((resolve) => server.send(encodeReply(reply), 68, '255.255.255.255', resolve));
    let rejected = 0;
    for (let messages = 0; messages < 1; ) {
      await socket.wait();
      const batch = socket.receive();
      t.ok(batch.messages.length + batch.rejected.length <= 32, 'a batch is bounded');
      messages += batch.messages.length;
      rejected += batch.rejected.length;
    }
    t.equal(rejected, 40, 'what is no message is told, and none is lost');
    socket.close();
    server.close();
  });

  t.test('a closed socket', async (t) => {
    const before = openDescriptors();
    const socket = dhcp.open({ index, mac: MAC });
    const wait = socket.wait();
    socket.close();
    await t.rejects(wait, { code: 'ECANCELED' });
    await t.rejects(socket.wait(), { code: 'ECANCELED' });
    socket.close();
    t.throws(() => socket.broadcast(DISCOVER), { code: 'ECANCELED' });
    t.throws(() => socket.unicast(DISCOVER, '10.5.0.2', '10.5.0.1'), { code: 'ECANCELED' });
    t.throws(() => socket.receive(), { code: 'ECANCELED' });
    t.equal(openDescriptors(), before);
  });

  t.test('errors of the kernel', async (t) => {
    const before = openDescriptors();
    t.throws(() => dhcp.open({ index: 4711, mac: MAC }), { code: 'ENODEV', syscall: 'bind', errno: -19 });
    ip('link add down0 type veth peer name down1');
    const socket = dhcp.open({ index: indexOf('down0'), mac: MAC });
    t.throws(() => socket.broadcast(DISCOVER), { code: 'ENETDOWN', syscall: 'sendto' });
    socket.close();
    t.equal(openDescriptors(), before);
  });

  t.test('random numbers', async (t) => {
    const numbers = new Set(Array.from({ length: 1000 }, () => dhcp.random()));
    t.ok(numbers.size > 990);
    for (const number of numbers)
      if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) t.fail(`${number}`);
    t.ok(Math.max(...numbers) > 2 ** 31, '32 bits');
  });

  t.test('threads end while they wait', async (t) => {
    const program = `
      import(${JSON.stringify(loader)}).then(({ loadNative }) => {
        const { dhcp, clock } = loadNative();
        dhcp.open({ index: ${index}, mac: '${MAC}' }).wait();
        clock.createTimer().wait();
        require('node:worker_threads').parentPort.postMessage('ready');
      });`;
    const before = openDescriptors();
    for (let round = 0; round < 3; round++) {
      const workers = [new Worker(program, { eval: true }), new Worker(program, { eval: true })];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    t.ok(openDescriptors() <= before + 8, `${openDescriptors() - before} descriptors more`);
  });

  t.test('what is collected is closed', async (t) => {
    const program = `
      const { dhcp } = (await import(${JSON.stringify(loader)})).loadNative();
      const { readdirSync } = await import('node:fs');
      const count = () => readdirSync('/proc/self/fd').length;
      dhcp.random();
      const before = count();
      for (let n = 0; n < 50; n++) dhcp.open({ index: ${index}, mac: '${MAC}' });
      for (let n = 0; n < 10; n++) { globalThis.gc(); await new Promise(setImmediate); }
      console.log(count() - before);`;
    const argv = ['--expose-gc', '--input-type=module', '-e', program];
    t.ok(Number(execFileSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 })) <= 2);
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const socket = dhcp.open({ index, mac: MAC });
    const wrong: [() => unknown, code: string][] = [
      [() => dhcp.open({ index: 0, mac: MAC }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.open({ index, mac: '02:00' }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.open({ index, mac: 5 as never }), 'ERR_INVALID_ARG_TYPE'],
      [() => dhcp.open(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      [() => dhcp.decode('text' as never, MAC), 'ERR_INVALID_ARG_TYPE'],
      [() => dhcp.encode({ ...DISCOVER, type: 'offer' as never }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, xid: 2 ** 32 }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, xid: -1 }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, seconds: 65_536 }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, maxMessageBytes: 575 }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, requestedAddress: '10.0.2' }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, requestedAddress: '10.0.2.256' }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode({ ...DISCOVER, hostname: 'a\0b' }), 'ERR_INVALID_ARG_VALUE'],
      [() => dhcp.encode(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      [() => socket.broadcast(DISCOVER, 'fd00::1'), 'ERR_INVALID_ARG_VALUE'],
      [() => socket.unicast(DISCOVER, '10.0.2.15', 5 as never), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
    socket.close();
  });

  t.test('no address was touched', async (t) => {
    t.notOk(networkInterfaces().veth0?.some(({ family }) => family === 'IPv4'));
  });
}
