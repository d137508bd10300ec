import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { Uevent } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { emptyFolder, inNamespaces } from './in-namespaces.js';
import { openDescriptors } from './open-descriptors.js';

const { mount, netlink } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

function run(program: string): string {
  return execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
}

if (inNamespaces(import.meta.url, ['--mount', '--net', '--propagation', 'private'])) {
  // The sysfs of this network namespace.
  const sysfs = join(emptyFolder(t, mount), 'sys');
  mkdirSync(sysfs);
  mount.mountSync({ source: 'sysfs', target: sysfs, fstype: 'sysfs', flags: [] });
  const linkNamed = (name: string) => netlink.links().find((link) => link.name === name);
  const ip = (...words: string[]) => execFileSync('ip', words, { encoding: 'utf8' });
  const announce = (name: string, action: string) => writeFileSync(`${sysfs}/class/net/${name}/uevent`, action);

  t.test('lists links and brings one up', async (t) => {
    t.match(linkNamed('lo'), { index: 1, type: 772, mac: '00:00:00:00:00:00', mtu: 65536, isUp: false });
    netlink.setLinkUp(1);
    t.match(linkNamed('lo'), { isUp: true, hasCarrier: true });
    t.match(
      networkInterfaces().lo,
      [{ cidr: '127.0.0.1/8' }, { cidr: '::1/128' }],
      'the kernel gives it its addresses',
    );
    netlink.setLinkUp(1);
  });

  t.test('gives an interface its address and routes', async (t) => {
    ip('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
    const link = linkNamed('veth0');
    if (!link) throw new Error('no veth0');
    t.match(link, { type: 1, isUp: false, mac: /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/ });
    netlink.addAddress(link.index, '10.5.0.2/24');
    netlink.addAddress(link.index, '10.5.0.2/24');
    netlink.addAddress(link.index, 'fd00::2/64');
    t.throws(() => netlink.addRoute({ destination: 'default', gateway: '10.5.0.1', index: link.index }), {
      code: 'ENETUNREACH',
      syscall: 'RTM_NEWROUTE',
      path: 'default',
    });
    netlink.setLinkUp(link.index);
    netlink.setLinkUp(linkNamed('veth1')?.index ?? 0);
    netlink.addRoute({ destination: 'default', gateway: '10.5.0.1', index: link.index });
    netlink.addRoute({ destination: 'default', gateway: '10.5.0.254', index: link.index });
    netlink.addRoute({ destination: '10.96.0.0/12', index: link.index });
    netlink.addRoute({ destination: 'fd01::/64', gateway: 'fd00::1', index: link.index });
    const routes = ip('-4', 'route');
    t.match(routes, /^default via 10\.5\.0\.254 dev veth0 proto static/m);
    t.notMatch(routes, /10\.5\.0\.1 /, 'the route was replaced');
    t.match(routes, /^10\.96\.0\.0\/12 dev veth0 proto static scope link/m);
    t.match(ip('-6', 'route'), /^fd01::\/64 via fd00::1 dev veth0/m);
    t.match(ip('-4', 'address', 'show', 'veth0'), /inet 10\.5\.0\.2\/24 brd 10\.5\.0\.255 scope global veth0/);
  });

  t.test("errors carry the kernel's own words", async (t) => {
    const index = linkNamed('veth0')?.index ?? 0;
    t.throws(() => netlink.addRoute({ destination: '10.9.0.0/16', gateway: '203.0.113.1', index }), {
      code: 'ENETUNREACH',
      errno: -101,
      message: /Nexthop has invalid gateway/,
    });
    t.throws(() => netlink.setLinkUp(4711), { code: 'ENODEV', syscall: 'RTM_NEWLINK' });
    t.throws(() => netlink.addAddress(4711, '10.5.0.2/24'), { code: 'ENODEV', path: '10.5.0.2/24' });
    for (const address of ['10.5.0.2', '10.5.0.2/33', 'host/24', '10.5.0.2/24/1', '']) {
      t.throws(() => netlink.addAddress(index, address), { code: 'EINVAL', message: /CIDR/ }, address);
    }
    t.throws(() => netlink.addRoute({ destination: 'default', gateway: 'gateway', index }), {
      message: /not an IP address/,
    });
    t.throws(() => netlink.addRoute({ destination: 'fd02::/64', gateway: '10.5.0.1', index }), { message: /families/ });
    t.throws(
      () => netlink.addRoute({ destination: '10.9.0.1/16', index }),
      { code: 'EINVAL' },
      'host bits in a prefix',
    );
  });

  t.test('many links come in several parts', async (t) => {
    const batch = Array.from({ length: 300 }, (_, n) => `link add many${n} type veth peer name peer${n}`).join('\n');
    execFileSync('ip', ['-batch', '-'], { input: batch });
    const names = new Set(netlink.links().map(({ name }) => name));
    for (let n = 0; n < 300; n++) if (!names.has(`many${n}`) || !names.has(`peer${n}`)) t.fail(`many${n} is missing`);
    t.ok(names.size >= 600);
  });

  t.test('uevents come as they are sent', async (t) => {
    const events: Uevent[] = [];
    const { promise, resolve } = deferred();
    const monitor = netlink.monitorUevents({
      onUevent: (event) => {
        events.push(event);
        if (event.action === 'remove') resolve();
      },
      onOverrun: () => t.fail('overrun'),
    });
    announce('lo', 'change');
    announce('veth0', 'remove');
    await promise;
    monitor.close();
    monitor.close();
    t.match(events, [
      {
        action: 'change',
        devpath: '/devices/virtual/net/lo',
        subsystem: 'net',
        properties: { INTERFACE: 'lo', IFINDEX: '1' },
      },
      { action: 'remove', subsystem: 'net', properties: { ACTION: 'remove', INTERFACE: 'veth0' } },
    ]);
    announce('lo', 'change');
    await setImmediate();
    await setImmediate();
    t.equal(events.length, 2, 'nothing comes after close');
  });

  t.test('lost events are told', async (t) => {
    const { promise, resolve } = deferred();
    let events = 0;
    const monitor = netlink.monitorUevents({ onUevent: () => void events++, onOverrun: resolve });
    // The JavaScript thread is busy sending: nobody takes them out of the buffer meanwhile.
    for (let n = 0; n < 20_000; n++) announce('lo', 'change');
    await promise;
    monitor.close();
    t.ok(events < 20_000, `${events} came before the loss was told`);
  });

  t.test('a handler may close its monitor, and several monitors hear the same', async (t) => {
    const { promise, resolve } = deferred();
    let first = 0;
    const one = netlink.monitorUevents({
      onUevent: () => {
        first++;
        one.close();
      },
      onOverrun: () => {},
    });
    let second = 0;
    const two = netlink.monitorUevents({ onUevent: () => void (++second === 3 && resolve()), onOverrun: () => {} });
    for (let n = 0; n < 3; n++) announce('lo', 'change');
    await promise;
    two.close();
    t.equal(first, 1);
  });

  t.test('an error thrown by a handler is uncaught, and the next event still comes', async (t) => {
    const program = `
      const { netlink } = (await import(${JSON.stringify(loader)})).loadNative();
      const { writeFileSync } = await import('node:fs');
      let count = 0;
      process.on('uncaughtException', (error) => console.log(error.message));
      const monitor = netlink.monitorUevents({
        onUevent: () => {
          count++;
          if (count === 3) monitor.close();
          throw new Error('thrown ' + count);
        },
        onOverrun: () => {},
      });
      globalThis.gc();
      for (let n = 0; n < 3; n++) writeFileSync('${sysfs}/class/net/lo/uevent', 'change');`;
    t.equal(run(program), 'thrown 1\nthrown 2\nthrown 3\n', 'and closing it lets the process end');
  });

  t.test('a monitor that nobody refers to lives until the process ends', async (t) => {
    const program = `
      const { netlink } = (await import(${JSON.stringify(loader)})).loadNative();
      const { writeFileSync } = await import('node:fs');
      netlink.monitorUevents({ onUevent: () => { console.log('heard'); process.exit(); }, onOverrun: () => {} });
      for (let n = 0; n < 3; n++) { globalThis.gc(); await new Promise(setImmediate); }
      writeFileSync('${sysfs}/class/net/lo/uevent', 'change');`;
    t.equal(run(program), 'heard\n');
  });

  t.test('threads end while their monitors are open and busy', async (t) => {
    const program = `
      import(${JSON.stringify(loader)}).then(({ loadNative }) => {
        loadNative().netlink.monitorUevents({ onUevent: () => {}, onOverrun: () => {} });
        require('node:worker_threads').parentPort.postMessage('ready');
      });`;
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) {
      const workers = [new Worker(program, { eval: true }), new Worker(program, { eval: true })];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      for (let n = 0; n < 200; n++) announce('lo', 'change');
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    t.ok(openDescriptors() <= before + 8, `${openDescriptors() - before} descriptors more`);
  });

  t.test('wrong arguments never reach the kernel', async (t) => {
    const wrong: [() => unknown, code: string][] = [
      [() => netlink.setLinkUp(0), 'ERR_INVALID_ARG_VALUE'],
      [() => netlink.setLinkUp('1' as never), 'ERR_INVALID_ARG_TYPE'],
      [() => netlink.addAddress(1, 5 as never), 'ERR_INVALID_ARG_TYPE'],
      [() => netlink.addRoute({ destination: 'default', gateway: 5 as never, index: 1 }), 'ERR_INVALID_ARG_TYPE'],
      [() => netlink.addRoute(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      [() => netlink.monitorUevents({ onUevent: () => {} } as never), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [call, code] of wrong) t.throws(call, { name: 'TypeError', code }, String(call));
  });

  t.test('no descriptor is left open', async (t) => {
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      netlink.links();
      netlink.monitorUevents({ onUevent: () => {}, onOverrun: () => {} }).close();
      t.throws(() => netlink.setLinkUp(4711));
    }
    t.equal(openDescriptors(), before);
  });
}

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}
