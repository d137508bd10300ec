/** Kinds of links that hosts do not have, and uevents of real devices. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Uevent } from '../../lib/native/contract.js';
import { loadNative } from '../../lib/native/index.js';

const { netlink } = loadNative();

t.test('every kind of link that can be asked for', async (t) => {
  const dummy = netlink.link.add({ kind: 'dummy', name: 'dummy7', mac: '02:00:00:00:00:07', isUp: true });
  t.match(netlink.link.get(dummy), { name: 'dummy7', kind: 'dummy', isUp: true, mac: '02:00:00:00:00:07' });

  const vlan = netlink.link.add({ kind: 'vlan', name: 'dummy7.5', parent: dummy, vlanId: 5, isUp: true });
  t.match(netlink.link.get(vlan), { kind: 'vlan', parent: dummy, vlanId: 5, isUp: true });
  const service = netlink.link.add({
    kind: 'vlan',
    name: 's',
    parent: dummy,
    vlanId: 4095 - 1,
    vlanProtocol: '802.1ad',
  });
  t.match(netlink.link.get(service), { vlanId: 4094 });
  t.match(readFileSync('/proc/net/vlan/config', 'utf8'), /dummy7\.5\s+\| 5\s+\| dummy7/);
  t.throws(() => netlink.link.add({ kind: 'vlan', name: 'again', parent: dummy, vlanId: 5 }), {
    code: 'EEXIST',
    message: /VLAN device already exists/,
  });
  t.throws(() => netlink.link.add({ kind: 'vlan', name: 'none', parent: 4711, vlanId: 5 }), { code: 'ENODEV' });

  const bridge = netlink.link.add({ kind: 'bridge', name: 'bridge7', vlanFiltering: true, spanningTree: true });
  t.equal(readFileSync('/sys/class/net/bridge7/bridge/vlan_filtering', 'utf8'), '1\n');
  // 2: the kernel takes its usermode helper, which is a dummy here (CONFIG_STATIC_USERMODEHELPER), for a program that does it.
  t.equal(readFileSync('/sys/class/net/bridge7/bridge/stp_state', 'utf8'), '2\n');
  netlink.link.set(dummy, { master: bridge });
  t.same(
    netlink.link.list({ master: bridge }).map(({ name }) => name),
    ['dummy7'],
  );

  const bond = netlink.link.add({ kind: 'bond', name: 'bond7', mode: 'active-backup', miimonMs: 100 });
  t.match(readFileSync('/sys/class/net/bond7/bonding/mode', 'utf8'), /^active-backup /);
  t.equal(readFileSync('/sys/class/net/bond7/bonding/miimon', 'utf8'), '100\n');
  netlink.link.add({ kind: 'veth', name: 'veth7', peer: { name: 'veth8' } });
  netlink.link.set(netlink.link.get('veth7')?.index ?? 0, { master: bond });
  t.match(netlink.link.get('veth7'), { master: bond, isUp: true });
  t.ok(netlink.link.get('veth7')?.flags.includes('slave'));

  for (const name of ['veth7', 'bond7', 'bridge7', 's', 'dummy7'])
    netlink.link.delete(netlink.link.get(name)?.index ?? 0);
  t.equal(netlink.link.get('dummy7.5'), undefined, 'a VLAN goes with the link below it');
});

t.test('a device that comes while uevents overflow is found', async (t) => {
  const seen = new Set<string>();
  const events: Uevent[] = [];
  let overruns = 0;
  const { promise, resolve } = deferred();
  const look = () => {
    for (const { name } of netlink.link.list()) seen.add(name);
    if (seen.has('last7')) resolve();
  };
  const monitor = netlink.monitorUevents({
    bufferBytes: 8192,
    onUevent: (event) => {
      events.push(event);
      const name = event.properties['INTERFACE'];
      if (event.action === 'add' && name !== undefined) seen.add(name);
      if (seen.has('last7')) resolve();
    },
    onOverrun: () => {
      overruns++;
      look();
    },
  });
  for (let number = 0; number < 100; number++) netlink.link.add({ kind: 'dummy', name: `many${number}` });
  netlink.link.add({ kind: 'dummy', name: 'last7' });
  await promise;
  monitor.close();
  t.ok(overruns > 0 && events.length < 300, `${overruns} overruns, ${events.length} events`);
  for (let number = 0; number < 100; number++) if (!seen.has(`many${number}`)) t.fail(`many${number} was missed`);
  for (const { index, kind } of netlink.link.list()) if (kind === 'dummy') netlink.link.delete(index);
});

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}
