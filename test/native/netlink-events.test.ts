import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import type { NetlinkEvent, ObjectKind, SubscribeOptions } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';
import { inNamespaces } from './in-namespaces.js';
import { NetworkModel } from './network-model.js';
import { openDescriptors } from './open-descriptors.js';
import { untilUp } from './until-up.js';

const { netlink } = loadNative();
const loader = fileURLToPath(new URL('../../lib/native/index.js', import.meta.url));

/** Subscribes, and waits until something is the case with the events so far. */
function subscribe(t: Test, kinds: ObjectKind[], options: Partial<SubscribeOptions> = {}) {
  const events: NetlinkEvent[] = [];
  const model = new NetworkModel();
  let wake = () => {};
  const monitor = netlink.subscribe({
    kinds,
    onEvents: (batch) => {
      events.push(...batch);
      for (const event of batch) model.apply(event);
      wake();
    },
    onError: (error) => t.error(error),
    ...options,
  });
  t.teardown(() => monitor.close());
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const started = () => until(() => events.length > 0);
  return { events, model, monitor, until, started };
}

if (inNamespaces(import.meta.url, ['--net'])) {
  netlink.link.set(1, { isUp: true });
  let index = netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' }, isUp: true });
  // Otherwise addresses of IPv6 would come and change by themselves for some seconds.
  for (const name of ['veth0', 'veth1']) execFileSync('ip', ['link', 'set', name, 'addrgenmode', 'none']);
  netlink.link.set(netlink.link.get('veth1')?.index ?? 0, { isUp: true });
  netlink.address.add({ index, address: '10.5.0.2/24' });
  await untilUp(netlink, ['veth0', 'veth1']);
  const resyncs = (events: NetlinkEvent[]) => events.filter((event) => event.kind === 'resync');

  t.test('begins with all there is, then tells each change', async (t) => {
    const { events, until, started } = subscribe(t, ['link', 'address', 'route', 'rule', 'neighbour']);
    t.same(events, [], 'never before subscribe() has returned');
    await started();
    const [first] = events.splice(0);
    t.match(first, { kind: 'resync', cause: 'start', epoch: 1 });
    if (first?.kind !== 'resync') return;
    const { snapshot } = first;
    t.same(snapshot.link, netlink.link.list());
    t.same(snapshot.rule, netlink.rule.list());
    t.same(snapshot.route, netlink.route.list());
    t.same(
      snapshot.address?.map(({ address }) => address),
      netlink.address.list().map(({ address }) => address),
    );
    t.ok(snapshot.neighbour);

    netlink.address.add({ index, address: '10.6.0.1/24' });
    netlink.route.add({ destination: '10.77.0.0/16', gateway: '10.5.0.1', index });
    netlink.route.replace({ destination: '10.77.0.0/16', gateway: '10.5.0.9', index });
    netlink.route.delete({ destination: '10.77.0.0/16' });
    netlink.rule.add({ family: 'inet', priority: 77, table: 254 });
    netlink.rule.delete({ family: 'inet', priority: 77 });
    netlink.neighbour.add({ index, address: '10.5.0.7', mac: '02:00:00:00:00:07' });
    netlink.link.set(index, { mtu: 1400 });
    const isMtu = (event: NetlinkEvent) => event.kind === 'link' && event.object.mtu === 1400;
    await until(() => events.some(isMtu));
    // A route that was replaced so soon after the list was made is a reason to make another.
    const told = events.flatMap((event) =>
      event.kind === 'resync' ? [] : [[event.kind, event.change, nameOf(event)]],
    );
    t.same(
      told.filter(([kind, , name]) => kind !== 'link' && !name?.startsWith('f')),
      [
        ['address', 'new', '10.6.0.1/24'],
        ['route', 'new', '10.6.0.1/32'],
        ['route', 'new', '10.6.0.255/32'],
        ['route', 'new', '10.6.0.0/24'],
        ['route', 'new', '10.77.0.0/16'],
        ['route', 'replaced', '10.77.0.0/16'],
        ['route', 'removed', '10.77.0.0/16'],
        ['rule', 'new', '77'],
        ['rule', 'removed', '77'],
        ['neighbour', 'new', '10.5.0.7'],
      ],
    );
    netlink.address.delete({ index, address: '10.6.0.1/24' });
  });

  t.test('only of the kinds that were asked for', async (t) => {
    const { events, until, started } = subscribe(t, ['rule']);
    await started();
    t.match(Object.keys((events[0] as { snapshot: object }).snapshot), ['rule']);
    netlink.address.add({ index, address: '10.6.0.1/24' });
    netlink.address.delete({ index, address: '10.6.0.1/24' });
    netlink.rule.add({ family: 'inet6', priority: 78, table: 254 });
    netlink.rule.delete({ family: 'inet6', priority: 78 });
    await until(() => events.length === 3);
    t.match(events.slice(1), [
      { kind: 'rule', change: 'new' },
      { kind: 'rule', change: 'removed' },
    ]);
  });

  t.test('a port that leaves its bridge is not a link that is gone', async (t) => {
    const bridge = netlink.link.add({ kind: 'bridge', name: 'bridge0' });
    const { events, model, until, started } = subscribe(t, ['link', 'neighbour']);
    await started();
    netlink.link.set(index, { master: bridge });
    netlink.link.set(index, { master: null });
    netlink.link.delete(bridge);
    await until(() => events.some((event) => event.kind === 'link' && event.change === 'removed'));
    t.same(
      events.flatMap((event) => (event.kind === 'link' && event.change === 'removed' ? [event.object.name] : [])),
      ['bridge0'],
    );
    t.same(
      model.links(),
      netlink.link
        .list()
        .map(({ name }) => name)
        .sort(),
    );
  });

  t.test('routes that the kernel drops without a word', async (t) => {
    const { events, model, until, started } = subscribe(t, ['route']);
    await started();
    const other = netlink.link.get('veth1')?.index ?? 0;
    const route = { destination: '10.78.0.0/16', gateway: '10.7.0.1', index: other };
    const isThere = () => model.routes().some((key) => key.includes('10.78.0.0/16'));
    for (const [how, remove] of [
      ['its link goes down', () => netlink.link.set(other, { isUp: false })],
      ['the last address of its link goes', () => netlink.address.delete({ index: other, address: '10.7.0.2/24' })],
      ['its link is no more', () => netlink.link.delete(other)],
    ] as const) {
      netlink.link.set(other, { isUp: true });
      netlink.address.replace({ index: other, address: '10.7.0.2/24' });
      netlink.route.add(route);
      await until(isThere);
      events.length = 0;
      remove();
      await until(() => !isThere());
      t.match(resyncs(events), [{ cause: 'stale-routes' }], how);
      t.same(model.routes(), NetworkModel.routeKeys(netlink.route.list()), how);
    }
    index = netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' }, isUp: true });
    netlink.link.set(netlink.link.get('veth1')?.index ?? 0, { isUp: true });
    netlink.address.add({ index, address: '10.5.0.2/24' });
  });

  t.test('a flood into a tiny buffer ends in the truth', async (t) => {
    const { events, model, until, started } = subscribe(t, ['address', 'route', 'link'], { bufferBytes: 4096 });
    await started();
    // Another process floods, so that changes go on while lists are made.
    const flood = spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    const lines: string[] = [];
    for (let round = 0; round < 40; round++) {
      for (let n = 0; n < 50; n++) lines.push(`address add 10.${round}.${n}.1/24 dev veth0`);
      for (let n = 0; n < 50; n++) lines.push(`route replace 10.200.${n}.0/24 via 10.5.0.${2 + round}`);
      // All but some of the addresses go again, the last of each round among them.
      for (let n = round % 7; n < 50; n++) lines.push(`address del 10.${round}.${n}.1/24 dev veth0`);
    }
    flood.stdin.end(`${lines.join('\n')}\n`);
    const [code] = await once(flood, 'exit');
    t.equal(code, 0);
    // The mark behind it: it comes as an event, or in a resync.
    netlink.address.add({ index, address: '10.254.254.254/32' });
    await until(() => model.addresses().includes(`${index} 10.254.254.254/32`));
    // What is left is on its way: routes of the last changes, and a list of them if they are stale.
    await until(() => same(model.routes(), NetworkModel.routeKeys(netlink.route.list())));
    const overruns = resyncs(events).filter(({ cause }) => cause === 'overrun').length;
    t.ok(overruns > 0, `${overruns} overruns, ${events.length} events`);
    t.same(model.addresses(), NetworkModel.addressKeys(netlink.address.list()));
    t.same(model.routes(), NetworkModel.routeKeys(netlink.route.list()));
    t.same(
      resyncs(events).map(({ epoch }) => epoch),
      resyncs(events).map((_, position) => position + 1),
    );
  });

  t.test('JavaScript that blocks for long learns that it has missed something', async (t) => {
    const { events, model, until, started } = subscribe(t, ['address'], { bufferBytes: 16 * 1024 });
    await started();
    events.length = 0;
    const batch = Array.from({ length: 2000 }, (_, n) => `address add 172.${16 + (n >> 8)}.${n & 255}.1/32 dev veth0`);
    execFileSync('ip', ['-batch', '-'], { input: batch.join('\n') });
    await until(() => events.length > 0);
    t.match(resyncs(events), [{ cause: 'overrun', epoch: 2 }]);
    t.same(model.addresses(), NetworkModel.addressKeys(netlink.address.list()));
    t.ok(model.addresses().length >= 2000);
  });

  t.test('with room for them, no event is lost and nothing is listed anew', async (t) => {
    const { events, until, started } = subscribe(t, ['route']);
    await started();
    const lines = Array.from({ length: 3000 }, (_, n) => `route add 11.${n >> 8}.${n & 255}.0/24 via 10.5.0.1`);
    execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') });
    const added = () =>
      events.flatMap((event) => (event.kind === 'route' && event.change === 'new' ? [event.object.destination] : []));
    // IPv6 may have something to tell meanwhile.
    const ofOurs = () => added().filter((destination) => destination.startsWith('11.'));
    await until(() => ofOurs().length >= 3000);
    t.equal(new Set(ofOurs()).size, 3000);
    t.equal(resyncs(events).length, 1);
  });

  t.test('nothing comes after close, and a handler may close', async (t) => {
    let calls = 0;
    const closing = subscribe(t, ['rule'], {
      onEvents: () => {
        calls++;
        closing.monitor.close();
      },
    });
    const other = subscribe(t, ['rule']);
    await other.started();
    netlink.rule.add({ family: 'inet', priority: 79, table: 254 });
    netlink.rule.delete({ family: 'inet', priority: 79 });
    await other.until(() => other.events.length === 3);
    t.equal(calls, 1);
    other.monitor.close();
    other.monitor.close();
    netlink.rule.add({ family: 'inet', priority: 79, table: 254 });
    netlink.rule.delete({ family: 'inet', priority: 79 });
    await setImmediate();
    await setImmediate();
    t.equal(other.events.length, 3);
  });

  t.test('an error thrown by a handler is uncaught, and the next events still come', async (t) => {
    const program = `
      const { netlink } = (await import(${JSON.stringify(loader)})).loadNative();
      let count = 0;
      process.on('uncaughtException', (error) => {
        console.log(error.message);
        if (count < 3) netlink.link.set(1, { mtu: 60_000 + count });
      });
      const monitor = netlink.subscribe({
        kinds: ['link'],
        onEvents: (events) => {
          count++;
          if (count === 3) monitor.close();
          throw new Error('thrown ' + count + ' ' + events[0].kind);
        },
        onError: () => {},
      });
      globalThis.gc();`;
    const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    t.equal(output, 'thrown 1 resync\nthrown 2 link\nthrown 3 link\n', 'and closing it lets the process end');
  });

  t.test('threads end while their subscriptions are open and busy', async (t) => {
    const program = `
      import(${JSON.stringify(loader)}).then(({ loadNative }) => {
        const { parentPort } = require('node:worker_threads');
        const ready = () => parentPort.postMessage('ready');
        loadNative().netlink.subscribe({ kinds: ['link', 'route'], onEvents: ready, onError: ready });
      });`;
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) {
      const workers = [new Worker(program, { eval: true }), new Worker(program, { eval: true })];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      for (let n = 0; n < 50; n++) netlink.link.set(index, { mtu: 1200 + n });
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    t.ok(openDescriptors() <= before + 8, `${openDescriptors() - before} descriptors more`);
  });
}

function nameOf(event: Exclude<NetlinkEvent, { kind: 'resync' }>): string {
  if (event.kind === 'link') return event.object.name;
  if (event.kind === 'route') return event.object.destination;
  return event.kind === 'rule' ? String(event.object.priority) : event.object.address;
}

function same(left: string[], right: string[]): boolean {
  return left.length === right.length && left.every((entry, position) => entry === right[position]);
}
