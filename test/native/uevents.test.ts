import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
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
  const announce = (name: string, action: string) => writeFileSync(`${sysfs}/class/net/${name}/uevent`, action);
  netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' } });

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

  t.test('nothing is lost after the loss was told', async (t) => {
    const { promise, resolve } = deferred();
    const order: string[] = [];
    const monitor = netlink.monitorUevents({
      // A few events fit.
      bufferBytes: 4096,
      onUevent: (event) => {
        order.push(event.properties['INTERFACE'] ?? '');
        // The kernel drops events until its queue was emptied once, without a further word: this is one of them.
        if (order.length === 1) announce('veth1', 'change');
        if (event.properties['INTERFACE'] === 'veth0') resolve();
      },
      onOverrun: () => {
        order.push('overrun');
        announce('veth0', 'change');
      },
    });
    for (let n = 0; n < 100; n++) announce('lo', 'change');
    await promise;
    monitor.close();
    t.match(order.slice(-2), ['overrun', 'veth0'], 'what happens from then on is heard');
    t.ok(order.length > 2, 'what was queued comes first');
    t.equal(order.filter((entry) => entry === 'overrun').length, 1);
  });

  t.test('no descriptor is left open', async (t) => {
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      netlink.monitorUevents({ onUevent: () => {}, onOverrun: () => {} }).close();
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
